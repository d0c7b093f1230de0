package serving

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/serving/nodes"
	"github.com/auspex-project/auspex/workload"
)

// Options is what a Table is made of. History, Registry and Grid are needed.
type Options struct {
	History  Samples
	Registry *registry.Registry
	Grid     forecast.Grid

	// Every is the time between refreshes; 0 is five minutes.
	Every time.Duration

	// Late is how far behind the newest sample a refresh still looks for samples
	// that came late; 0 is one hour. Later ones count from the next Reload on.
	Late time.Duration

	// Reload is the time after which everything remembered is read anew; 0 is a
	// day.
	Reload time.Duration

	// Shadow is how long a challenger is in shadow at least before it serves, and
	// ShadowCases how many of its forecasts must have been held against what
	// happened; 0 is two days and 200. A trial that cannot gather so many ends after
	// seven times as long.
	Shadow      time.Duration
	ShadowCases int

	// Fallback is the class of a workload without one when the classifier cannot
	// tell; "" is workload.Service.
	Fallback workload.Class

	Metrics prometheus.Registerer // nil publishes nothing
	Log     *slog.Logger          // nil is silent
}

// Table is the forecast table. Forecast, ByID, Margins and Classify are safe for
// concurrent use and do no I/O; Run owns everything behind them.
type Table struct {
	o       Options
	metrics *metrics
	current atomic.Pointer[page]

	// Owned by Refresh.
	memory     memory
	watch      *watch
	nodes      *nodes.Watch
	slots      *slotWatch
	loaded     loaded
	classifier classifier
	refused    string // what the registry refused last, to log it once
}

// New returns a table that knows nothing until the first refresh: every
// forecast is unknown.
func New(o Options) (*Table, error) {
	if o.History == nil || o.Registry == nil {
		return nil, fmt.Errorf("forecast table: needs a history and a registry")
	}
	if err := o.Grid.Validate(); err != nil {
		return nil, fmt.Errorf("forecast table: %w", err)
	}
	orDefault(&o.Every, 5*time.Minute)
	orDefault(&o.Late, time.Hour)
	orDefault(&o.Reload, 24*time.Hour)
	orDefault(&o.Shadow, 48*time.Hour)
	orDefault(&o.ShadowCases, 200)
	orDefault(&o.Fallback, workload.Service)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &Table{o: o, metrics: newMetrics(o.Metrics)}
	var err error
	if t.watch, err = newWatch(&o); err != nil {
		o.Log.Error("what became of past forecasts is lost, it is counted anew", "error", err)
	}
	if t.nodes, err = nodes.New(o.Grid, o.Registry); err != nil {
		o.Log.Error("what became of promises for nodes is lost, it is counted anew", "error", err)
	}
	if t.slots, err = newSlotWatch(&o); err != nil {
		o.Log.Error("what became of slots told by a profiler in shadow is lost, it is counted anew", "error", err)
	}
	t.current.Store(&page{set: &models.Set{Grid: o.Grid}, chain: models.NewChain(o.Grid)})
	return t, nil
}

func orDefault[T comparable](x *T, usual T) {
	var zero T
	if *x == zero {
		*x = usual
	}
}

// Forecast returns what w is predicted to use: the forecast of its own history,
// or the prior of workloads like it. known is false when there is neither. The
// forecast is shared: nobody may change it.
func (t *Table) Forecast(w *workload.Workload, now time.Time) (f *forecast.Forecast, known bool) {
	return t.current.Load().forecast(w, now)
}

// ByID returns the forecast of a workload with history.
func (t *Table) ByID(id string) (f *forecast.Forecast, class workload.Class, ok bool) {
	return t.current.Load().byID(id)
}

// Margins returns the calibrated margins of nodes.
func (t *Table) Margins() forecast.Margins { return t.current.Load().margins }

// Run refreshes the table now and every Options.Every until ctx ends. A refresh
// that fails keeps the old table, is logged, and is tried again in time.
func (t *Table) Run(ctx context.Context) error {
	ticker := time.NewTicker(t.o.Every)
	defer ticker.Stop()
	for {
		if err := t.Refresh(ctx); err != nil && ctx.Err() == nil {
			t.metrics.failures.Inc()
			t.o.Log.Error("forecasts not refreshed, the old ones stay", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// workers leaves half of the cores to those who read the table.
func workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }
