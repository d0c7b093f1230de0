package serving

import (
	"context"
	"errors"
	"hash/fnv"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/serving/nodes"
)

// Refresh makes a new table from what the store and the registry hold now. On an
// error the old one stays. It must not be called twice at once.
func (t *Table) Refresh(ctx context.Context) error {
	started := time.Now()
	now := started.UTC()

	// 1. Remember what was measured since the last time.
	if err := t.memory.update(ctx, t.o.History, t.o.Grid, now, t.o.Late, t.o.Reload, t.nodes); err != nil {
		return err
	}

	// 2. Hold forecasts whose time has come against what happened.
	t.watch.judge(t.memory.histories, now)
	t.hear(t.nodes.Judge(now))
	t.slots.judge(t.memory.histories, now)

	// 3. Take over the champions. What cannot be used falls back along the chain,
	// and so does what broke its promises.
	set, refused := t.loaded.set(t.o.Registry, t.o.Grid, now)
	changes, err := t.watch.act(set, now)
	profiles, slotsErr := t.slots.act(set, t.nodes, now)
	changes = append(changes, profiles...)
	for _, c := range changes {
		c.log(t.o.Log)
		t.metrics.count(c)
	}
	if len(changes) > 0 {
		set, refused = t.loaded.set(t.o.Registry, t.o.Grid, now)
	}
	refused = append(slices.Clone(refused), err, slotsErr)
	if err := t.classifier.take(t.o.Registry, set.ClassifierID); err != nil {
		refused = append(refused, err)
	}
	t.report(errors.Join(refused...))

	t.hear(t.nodes.Follow(set))

	// 4. Forecast every workload that is due.
	next := &page{set: set, chain: set.Chain(), margins: t.nodes.Margins(set.Margins), classifier: t.classifier.champion}
	if err := next.fill(ctx, t.memory.histories, t.current.Load(), now); err != nil {
		return err
	}

	// 5. Swap, and remember what was promised.
	t.current.Store(next)
	if t.watch.pledge(next, t.memory.histories, now) {
		if err := t.watch.save(); err != nil {
			t.o.Log.Error("what became of forecasts is not kept", "error", err)
		}
	}
	if t.slots.pledge(next, t.memory.histories, now) {
		if err := t.slots.save(); err != nil {
			t.o.Log.Error("what became of slots is not kept", "error", err)
		}
	}
	promised := nodes.Fleet{Set: set, Margins: next.margins, Histories: t.memory.histories, Forecast: next.byID}
	if t.nodes.Pledge(promised, now) {
		if err := t.nodes.Save(); err != nil {
			t.o.Log.Error("what became of promises for nodes is not kept", "error", err)
		}
	}
	t.metrics.publishNodes(t.nodes)
	t.metrics.publish(next, t.watch, now, time.Since(started))
	return nil
}

// hear makes it heard what has become of the margins of nodes.
func (t *Table) hear(changes []nodes.Change) {
	for _, c := range changes {
		attrs := []any{"resource", c.Resource, "members", c.MaxMembers, "horizon", c.Within(), "why", c.Why}
		switch c.Outcome {
		case nodes.Raised:
			t.o.Log.Error("nodes pass what was promised for them: margins are raised to what they needed, until they hold again", attrs...)
		case nodes.Holds:
			t.o.Log.Info("nodes hold what is promised for them again: margins are as calibrated", attrs...)
		default:
			t.o.Log.Warn("nodes whose margins were raised cannot be judged any more: margins are as calibrated", attrs...)
		}
		t.metrics.countNodes(c)
	}
}

// loaded is the set in service, loaded when what serves has changed. What was
// refused is tried again once a slot: until it is refused no more, or otherwise,
// the set stays, and the forecasts made with it.
type loaded struct {
	from    registry.Champions
	current *models.Set
	refused []error
	tried   time.Time
}

func (l *loaded) set(r *registry.Registry, g forecast.Grid, now time.Time) (*models.Set, []error) {
	champions, err := r.Champions()
	same := l.current != nil && reflect.DeepEqual(champions, l.from)
	if same && err == nil && (len(l.refused) == 0 || now.Sub(l.tried).Abs() < g.Slot) {
		return l.current, l.refused
	}
	set, refused := r.Set(g)
	if same && len(refused) > 0 && text(refused) == text(l.refused) {
		set = l.current
	}
	*l = loaded{champions, set, refused, now}
	return set, refused
}

// text is what errors say, "" for none.
func text(errs []error) string {
	if err := errors.Join(errs...); err != nil {
		return err.Error()
	}
	return ""
}

// report makes it heard when champions are refused: as often as what is refused
// changes.
func (t *Table) report(refused error) {
	text := ""
	if refused != nil {
		text = refused.Error()
	}
	if text != "" && text != t.refused {
		t.o.Log.Error("champion refused, its class falls back", "error", refused)
	}
	t.refused = text
}

// fill forecasts the histories that are due, on some of the cores, and takes the
// others over from the page before, nil for none.
func (p *page) fill(ctx context.Context, histories map[string]*models.History, before *page, now time.Time) error {
	if before != nil && (before.set != p.set || before.classifier != p.classifier) {
		before = nil // other models, other forecasts
	}
	p.entries = make(map[string]*entry, len(histories))
	var ids []string
	for id, h := range histories {
		if before != nil {
			if e, ok := before.entries[id]; ok && !e.due(id, h, now) {
				p.entries[id] = e
				continue
			}
		}
		ids = append(ids, id)
	}
	made := make([]entry, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	size := max(1, (len(ids)+workers()-1)/workers())
	for first := range slices.Chunk(indices(len(ids)), size) {
		group.Go(func() error {
			for _, i := range first {
				if err := ctx.Err(); err != nil {
					return err
				}
				made[i] = p.predict(histories[ids[i]], now)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	p.made = len(ids)
	for i, id := range ids {
		if len(made[i].forecast.Demands) > 0 {
			e := made[i] // apart from the others, which may go before it
			p.entries[id] = &e
		}
	}
	return nil
}

// due reports whether a forecast must be made anew: once a slot, each workload at
// a moment of its own so that the work is spread; and at once where its history
// has passed what was said, or has another limit or resource.
func (e *entry) due(id string, h *models.History, now time.Time) bool {
	slot := e.forecast.Grid.Slot
	hash := fnv.New32a()
	hash.Write([]byte(id))
	own := time.Duration(hash.Sum32()) * time.Second % slot
	if now.Add(own).Truncate(slot) != e.forecast.Issued.Add(own).Truncate(slot) {
		return true
	}
	for _, n := range h.Resources() {
		u := h.Usage(n)
		d, ok := e.forecast.Demand(n)
		if !ok || float32(u.Limit()) != d.Limit || float32(u.Peak()) > d.Peak || h.Key.Class != e.key.Class || h.Key.App != e.key.App {
			return true
		}
	}
	return false
}

func (p *page) predict(h *models.History, now time.Time) entry {
	s := models.Observed(h)
	if s.Class == "" {
		if class, ok := p.classifier.Classify(&s); ok {
			s.Class = class
		}
	}
	f, known := p.chain.Forecast(&s, now)
	if !known {
		f = forecast.Forecast{}
	}
	return entry{f, s.Class, h.Key}
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
