package training

import (
	"hash/fnv"
	"math"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// extract is what a night keeps of one workload.
type extract struct {
	workload  string
	class     workload.Class
	history   *models.History // as of the end
	past      models.Example  // as of where the past ends
	resources []resourceExtract
}

// resourceExtract is the part about one resource, in the order of the plan.
type resourceExtract struct {
	train rows
	judge rows
	owns  []own // beside judge
	slots slotRows
	track *backtest.Track // nil unless the workload is judged

	timeline *models.Timeline // by slot of the grid
}

// rows are moments at which a workload's future was asked for: what was known
// (as models.Row has it), and the maximum that came, as a share of the scale.
type rows struct {
	features []float32
	targets  []float32 // NaN where too little of the span was seen
	scales   []float32
	caps     []float32 // what a target is at most
	censored []bool    // beside targets: see models.Censored
	at       []time.Time
}

// own is what a workload's own past predicts, without learning.
type own struct {
	profile   []float32
	peak      float32
	floor     float32   // under the profile
	quantiles []float32 // by models.Levels
	past      models.Past
}

// extract replays the samples of one workload and asks at every slot.
func (p *plan) extract(samples []timeseries.Sample) *extract {
	newest := samples[len(samples)-1].Key
	e := &extract{workload: newest.Workload, class: classOf(newest.Class), history: models.NewHistory(p.Grid)}
	e.resources = make([]resourceExtract, len(p.Resources))
	judged := p.tracks[e.workload]
	panels := make([]*backtest.Panel, len(p.Resources))
	maxima := make([]*backtest.Track, len(p.Resources)) // by slot
	slotPanels := make([]*backtest.Panel, len(p.Resources))
	for i, n := range p.Resources {
		panels[i] = backtest.NewPanel(n, p.whole, p.Step)
		slotPanels[i] = backtest.NewPanel(n, p.whole, p.Grid.Slot)
		maxima[i] = slotPanels[i].NewTrack(e.workload, e.class)
		e.resources[i].timeline = models.NewTimeline(p.Grid, p.whole.Duration())
		if judged {
			e.resources[i].track = panels[i].NewTrack(e.workload, e.class)
		}
	}

	next := p.whole.From
	for k := range samples {
		s := &samples[k]
		for !next.After(s.Time) {
			if next.Equal(p.pastEnd) {
				e.past = e.exampleAt(next, p.Grid)
			}
			p.ask(e, next, judged)
			next = next.Add(p.Grid.Slot)
		}
		e.history.Add(s)
		for i := range p.Resources {
			slotPanels[i].Add(maxima[i], s)
			e.resources[i].note(p.Resources[i], s)
			if judged {
				panels[i].Add(e.resources[i].track, s)
			}
		}
	}
	if !next.After(p.pastEnd) {
		e.past = e.exampleAt(p.pastEnd, p.Grid)
	}
	for i, n := range p.Resources {
		e.resources[i].train.answer(n, p.Grid, slotPanels[i], maxima[i])
		e.resources[i].judge.answer(n, p.Grid, slotPanels[i], maxima[i])
		e.resources[i].slots.answer(e.resources[i].timeline)
	}
	return e
}

func (e *extract) exampleAt(now time.Time, g forecast.Grid) models.Example {
	subject := models.Observed(e.history)
	return models.ExampleOf(&subject, now, g)
}

// ask records what is known at now, if that moment is of use.
func (p *plan) ask(e *extract, now time.Time, judged bool) {
	train := p.trains(now) && p.kept(e, now)
	judge := judged && (p.calibrates(now) || p.composes(now) || p.judges(now))
	if !train && !judge || now.Sub(e.history.Last()) > p.Grid.Slot {
		return
	}
	subject := models.Observed(e.history)
	for i, n := range p.Resources {
		r := &e.resources[i]
		if train && r.train.add(&subject, n, now, p.Grid) {
			r.slots.add(p, &subject, n, now)
		}
		if judge && r.judge.add(&subject, n, now, p.Grid) {
			r.owns = append(r.owns, ownPast(&subject, n, now, p.Grid))
		}
	}
}

// kept draws whether a class's possible row is learned from: the same for the
// same workload, moment and seed.
func (p *plan) kept(e *extract, now time.Time) bool {
	share := p.keep[e.class]
	if share >= 1 {
		return true
	}
	return float64(draw(p.Seed, e.workload, now)) < share*math.MaxUint64
}

// draw is a number drawn from all: the same for the same workload, moment and seed.
func draw(seed uint64, workload string, now time.Time) uint64 {
	h := fnv.New64a()
	h.Write([]byte(workload))
	x := h.Sum64() ^ seed ^ uint64(now.Unix())*0x9e3779b97f4a7c15
	x ^= x >> 33 // finalizer of splitmix64
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return x
}

// limitless is how many times its largest usage so far a workload without a
// limit is learned to use at most: the first busy hour of one that was idle must
// not drown all others.
const limitless = 10

func (r *rows) add(s *models.Subject, n resource.Name, now time.Time, g forecast.Grid) bool {
	features, scale, ok := models.Row(r.features, s, n, now, g)
	if !ok {
		return false
	}
	r.features = features
	r.scales = append(r.scales, float32(scale))
	r.caps = append(r.caps, 1)
	if s.Limit(n) <= 0 {
		r.caps[len(r.caps)-1] = limitless
	}
	r.at = append(r.at, now)
	return true
}

// ownPast returns what the chain says without a learned model. The past may be
// too short for that: then it is the limit.
func ownPast(s *models.Subject, n resource.Name, now time.Time, g forecast.Grid) own {
	d, ok := models.Percentiles{MinHistory: time.Hour}.Predict(s, n, now, g)
	if !ok {
		d, ok = models.AtLimit{}.Predict(s, n, now, g)
	}
	o := own{profile: d.Profile, peak: d.Peak, quantiles: make([]float32, len(models.Levels())), past: models.PastOf(s, n, now, g)}
	if !ok {
		o.profile = make([]float32, g.Slots)
	}
	o.floor = min(float32(models.Floor(s, n, now)), d.Peak)
	for i := range o.quantiles {
		o.quantiles[i] = d.Peak
		if len(d.Quantiles) > 0 {
			o.quantiles[i] = d.Quantiles[i].Value
		}
	}
	return o
}

// answer fills in what came after each row about n.
func (r *rows) answer(n resource.Name, g forecast.Grid, slots *backtest.Panel, maxima *backtest.Track) {
	for i, at := range r.at {
		from := slots.IndexOf(at)
		seen := 0
		for k := range g.Slots {
			if v := maxima.At(from + k); v == v {
				seen++
			}
		}
		target := float32(math.NaN())
		if 2*seen >= g.Slots {
			target = min(maxima.Max(from, from+g.Slots)/r.scales[i], r.caps[i])
		}
		r.targets = append(r.targets, target)
		r.censored = append(r.censored, r.caps[i] == 1 && models.Censored(n, r.row(i), target))
	}
}
