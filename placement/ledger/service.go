package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Options is what a Service is made of.
type Options struct {
	Settings     placement.Settings
	Filters      []placement.Filter // in order; cheap and decisive ones first
	Scorers      []placement.Scorer // in the order in which they are reported
	Grid         forecast.Grid      // zero = forecast.DefaultGrid
	Forecaster   Forecaster         // nil = every workload is a cold start
	Classifier   Classifier         // nil = a workload without a class is refused
	Journal      Journal            // nil = nothing survives a restart
	Archive      Archive            // nil = explanations do not
	RefreshEvery time.Duration      // how often new forecasts are taken over; 0 = 15 seconds
	Metrics      prometheus.Registerer
	Log          *slog.Logger
}

// Service places workloads on the fleet. All methods are safe for concurrent use.
type Service struct {
	engine      *placement.Engine
	scorers     []placement.Scorer
	ledger      *ledger
	book        *book
	arrivals    *arrivals
	archive     Archive
	archived    uint64 // changes of the book the archive has; for keepArchive alone
	archiveRoom int    // bytes it is expected to take; the same
	forecaster  Forecaster
	classifier  Classifier
	refresh     time.Duration
	metrics     *metrics
	log         *slog.Logger
}

// Open returns a service with the state the journal holds. Run keeps it in order.
func Open(ctx context.Context, o Options) (*Service, error) {
	if o.Grid == (forecast.Grid{}) {
		o.Grid = forecast.DefaultGrid()
	}
	if o.Forecaster == nil {
		o.Forecaster = unknowing{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(o.Grid.Validate(), o.Settings.Validate(o.Scorers)); err != nil {
		return nil, fmt.Errorf("open placement: %w", err)
	}
	s := &Service{
		engine:     placement.NewEngine(o.Filters, o.Scorers),
		scorers:    o.Scorers,
		book:       newBook(o.Settings.WithDefaults()),
		archive:    o.Archive,
		forecaster: o.Forecaster,
		classifier: o.Classifier,
		refresh:    cmp.Or(o.RefreshEvery, 15*time.Second),
		log:        o.Log,
	}
	s.ledger = newLedger(o.Grid, o.Settings, o.Forecaster.Margins(), o.Journal)
	s.arrivals = newArrivals(&s.ledger.placed)
	var err error
	if s.metrics, err = newMetrics(o.Metrics, s.ledger); err != nil {
		return nil, fmt.Errorf("open placement: %w", err)
	}
	if err := s.recover(ctx, o.Journal); err != nil {
		return nil, fmt.Errorf("open placement: %w", err)
	}
	s.loadArchive()
	return s, nil
}

// maxAttempts is how often a decision is made anew when the fleet has changed
// under it. Only the chosen node counts, so even the second is rare.
const maxAttempts = 8

// Place chooses a node for r.Workload, reserves it and says why. The same request
// again returns the first answer. Errors: ErrInvalid, ErrRequestReused,
// ErrAlreadyPlaced, ErrConflict, ctx's, and the journal's.
func (s *Service) Place(ctx context.Context, r Request) (Decision, error) {
	if err := r.Validate(); err != nil {
		return Decision{}, fmt.Errorf("place: %w: %w", ErrInvalid, err)
	}
	page, first, err := s.book.open(ctx, &r)
	if err != nil {
		return Decision{}, fmt.Errorf("place: %w", err)
	}
	if first {
		s.write(ctx, page, &r)
	}
	d, err := page.answer(r.Workload)
	if err != nil {
		return Decision{}, fmt.Errorf("place: %w", err)
	}
	return d, nil
}

// write closes the page of a request seen for the first time, whatever happens: those
// who come back with its id must not wait for ever.
func (s *Service) write(ctx context.Context, page *page, r *Request) {
	v, err := (*verdict)(nil), errCutShort
	defer func() { s.book.close(page, v, err) }()
	v, err = s.place(ctx, r)
}

// place makes the decision for a request seen for the first time.
func (s *Service) place(ctx context.Context, r *Request) (*verdict, error) {
	started := time.Now()
	d, err := s.decide(ctx, r, started)
	if err != nil {
		return nil, err
	}
	if err := s.ledger.seal(&d); err != nil {
		return nil, err
	}
	s.metrics.decided(d.verdict, started)
	return d.verdict, nil
}

// decided is a decision that counts in the ledger and is not durable yet.
type decided struct {
	verdict *verdict
	hold    *hold // nil when nothing was reserved
	record  Record
}

// decide makes a decision and counts it.
func (s *Service) decide(ctx context.Context, r *Request, started time.Time) (decided, error) {
	class, err := s.class(r.Workload)
	if err != nil {
		return decided{}, err
	}
	f := s.forecast(r.Workload, started)
	for range maxAttempts {
		if err := ctx.Err(); err != nil {
			return decided{}, err
		}

		q, v, p, claims, err := s.propose(r, class, f, started)
		if err != nil {
			return decided{}, err
		}
		if v.Node == "" {
			s.ledger.claim(r, q, started)
		}
		if v.Node == "" || r.DryRun {
			return decided{verdict: v}, nil
		}

		// 6. Reserve: on the fleet as it is by now.
		h, record, err := s.ledger.count(r, p, v, claims, started)
		switch {
		case errors.Is(err, ErrConflict):
			s.metrics.conflicts.Inc()
			continue
		case err != nil:
			return decided{}, err
		}
		v.Workload, v.description, v.workload = nil, h.description, h.workload // the caller's copy need not be kept
		return decided{v, h, record}, nil
	}
	return decided{}, fmt.Errorf("%w: %d attempts", ErrConflict, maxAttempts)
}

// propose makes a decision that does not count yet. claims says how many there had ever been
// when it was admitted on the state of q, unasked where that was on an earlier one.
func (s *Service) propose(r *Request, class workload.Class, f *forecast.Forecast, started time.Time) (q *placement.Query, v *verdict, p *placement.Plan, claims uint64, err error) {
	// 1. Admit: may the queue have it, as things are?
	// 2. Snapshot: freeze the fleet to decide on.
	state, claims, denial, err := s.ledger.admit(r, class, started)
	if err != nil {
		return nil, nil, nil, 0, err
	}
	searching := false
	defer func() {
		if searching { // a panic: what is lent is what q is about
			state = q.State
		}
		state.Done()
	}()
	asked := state
	if q, err = newQuery(state, r.Workload, class, f, started); err != nil {
		return nil, nil, nil, 0, err
	}
	counted := s.arrivals.count(r, q)
	v = newVerdict(r, q, started)
	if len(denial) > 0 {
		return q, v.deny(denial), nil, claims, nil
	}

	// 3. Filter: which nodes may run it?
	// 4. Score: how well would each?
	// 5. Select: the best, and those next to it.
	var found placement.Findings
	searching = true
	p, state, found = s.engine.Search(q, s.ledger.latest, 1+max(1, r.Alternatives), r.DryRun)
	searching = false
	if q.State != asked {
		claims = unasked
	}
	v.conclude(p, state, found)
	if v.Node == "" && counted {
		s.arrivals.refuse(q)
	}
	if v.Node == "" && !r.Brief {
		v.Preemption = p.Preemption(state)
	}
	return q, v, p, claims, nil
}

// newQuery is placement.NewQuery, of which all errors are the caller's.
func newQuery(s *placement.State, w *workload.Workload, class workload.Class, f *forecast.Forecast, now time.Time) (*placement.Query, error) {
	q, err := placement.NewQuery(s, w, class, f, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return q, nil
}

// class returns the class w was given, or else found to be of.
func (s *Service) class(w *workload.Workload) (workload.Class, error) {
	if err := placement.CheckAccelerator(w); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, &workload.FieldError{Field: "accelerator", Err: err})
	}
	class := w.Class
	if class == "" && s.classifier != nil {
		class = s.classifier.Classify(w)
	}
	if class == "" {
		err := fmt.Errorf("workload %s: class is empty and nothing here finds it out", w.ID)
		return "", fmt.Errorf("%w: %w", ErrInvalid, &workload.FieldError{Field: "class", Err: err})
	}
	return class, nil
}

// CheckDescription reports what would make Place refuse w as ErrInvalid; an empty
// class is fine.
func (s *Service) CheckDescription(w *workload.Workload) error {
	if err := w.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	state := s.ledger.latest()
	defer state.Done()
	if w.Class == "" {
		return nil
	}
	if err := state.Policy.CheckClass(w.Class); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// forecast returns what w is predicted to use, nil when that is unknown or of no
// use.
func (s *Service) forecast(w *workload.Workload, now time.Time) *forecast.Forecast {
	f, known := s.forecaster.Forecast(w, now)
	if !known || f == nil {
		return nil
	}
	if err := usable(f, s.ledger.grid); err != nil {
		s.metrics.unusable.Inc()
		s.log.Warn("forecast ignored", "workload", w.ID, "error", err)
		return nil
	}
	return f
}

// usable reports why f cannot be added up with others.
func usable(f *forecast.Forecast, g forecast.Grid) error {
	if f.Grid != g {
		return fmt.Errorf("forecast of %s: its grid is %d x %v, not %d x %v", f.Workload, f.Grid.Slots, f.Grid.Slot, g.Slots, g.Slot)
	}
	return f.Validate()
}

// Reload replaces the settings; on an error the old ones stay. What is placed
// stays placed, whatever the new limits.
func (s *Service) Reload(next placement.Settings) error {
	if err := next.Validate(s.scorers); err != nil {
		return fmt.Errorf("reload placement settings: %w", err)
	}
	s.ledger.adopt(next, s.forecaster.Margins())
	s.book.resize(next.WithDefaults())
	return nil
}

func newDecisionID() string { return ulid.Make().String() }
