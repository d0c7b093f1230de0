package training

import (
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// evidence is what a night has gathered about one resource.
type evidence struct {
	plan     *plan
	resource resource.Name
	train    map[workload.Class]*rows
	slots    slotRows
	judged   []judged // beside panel.Tracks
	panel    *backtest.Panel
	origins  []int // steps of the panel, of all slots that calibrate margins or judge
}

// judged is a workload that forecasts are judged on. It has rows for when it
// has a past of its own.
type judged struct {
	class   workload.Class
	subject models.Subject // as it describes itself, its limits apart
	rows    rows
	steps   []int // of the panel, beside rows
	owns    []own

	timeline *models.Timeline // by slot of the grid
}

// app names what the workload is a part of.
func (j *judged) app() string {
	if j.subject.App == "" {
		return j.subject.ID
	}
	return j.subject.App
}

func newEvidence(p *plan, n resource.Name) *evidence {
	e := &evidence{plan: p, resource: n, train: map[workload.Class]*rows{}, panel: backtest.NewPanel(n, p.whole, p.Step)}
	for at := earlier(p.margins.From, p.calibrate.From); at.Before(p.test.To); at = at.Add(p.Grid.Slot) {
		if p.calibrates(at) || p.composes(at) || p.judges(at) {
			e.origins = append(e.origins, e.panel.IndexOf(at))
		}
	}
	return e
}

// add keeps what was extracted of a workload.
func (e *evidence) add(x *extract, r resourceExtract) {
	if e.train[x.class] == nil {
		e.train[x.class] = &rows{}
	}
	e.train[x.class].append(r.train)
	e.slots.append(r.slots, e.plan.train.To)
	if r.track == nil {
		return
	}
	j := judged{class: x.class, subject: models.Observed(x.history), rows: r.judge, owns: r.owns, timeline: r.timeline}
	j.subject.History = nil
	for _, at := range r.judge.at {
		j.steps = append(j.steps, e.panel.IndexOf(at))
	}
	e.panel.Tracks = append(e.panel.Tracks, r.track)
	e.judged = append(e.judged, j)
}

// measured reports whether any workload's use of the resource was.
func (e *evidence) measured() bool {
	for _, r := range e.train {
		if len(r.targets) > 0 {
			return true
		}
	}
	return slices.ContainsFunc(e.panel.Tracks, func(t *backtest.Track) bool { return t.First() < t.End() })
}

// shrink draws what the young say of themselves towards the prior, as it is
// served.
func (e *evidence) shrink(prior *models.Prior) {
	for k := range e.judged {
		j := &e.judged[k]
		for i := range j.owns {
			o := &j.owns[i]
			if o.past.Settled() || j.rows.caps[i] != 1 {
				continue
			}
			d := forecast.Demand{Resource: e.resource, Limit: j.rows.scales[i], Profile: o.profile, Peak: o.peak}
			for q, level := range models.Levels() {
				d.Quantiles = append(d.Quantiles, forecast.Quantile{P: level, Value: o.quantiles[q]})
			}
			d = prior.Shrink(d, o.past, &j.subject, e.plan.Grid)
			o.peak = d.Peak
			for q := range o.quantiles {
				o.quantiles[q] = d.Quantiles[q].Value
			}
			o.past = models.Past{}
		}
	}
}

// append adds the rows of o whose outcome is known.
func (r *rows) append(o rows) {
	for i, target := range o.targets {
		if target == target {
			r.features = append(r.features, o.row(i)...)
			r.targets = append(r.targets, target)
			r.censored = append(r.censored, o.censored[i])
			r.at = append(r.at, o.at[i])
		}
	}
}

func (r *rows) row(i int) []float32 {
	width := len(r.features) / len(r.at)
	return r.features[i*width : (i+1)*width]
}

// pooled returns at most limit rows of all classes, evenly thinned.
func (e *evidence) pooled(limit int) *rows {
	classes := slices.Sorted(maps.Keys(e.train))
	if len(classes) == 1 {
		return e.train[classes[0]]
	}
	total := 0
	for _, r := range e.train {
		total += len(r.targets)
	}
	every := max(1, (total+limit-1)/limit)
	all := &rows{}
	for _, c := range classes {
		r := e.train[c]
		for i := 0; i < len(r.targets); i += every {
			all.features = append(all.features, r.row(i)...)
			all.targets = append(all.targets, r.targets[i])
			all.censored = append(all.censored, r.censored[i])
			all.at = append(all.at, r.at[i])
		}
	}
	return all
}

// part selects judged rows by the time they were asked at.
type part func(time.Time) bool

// each calls f for every judged row of class (models.AnyClass: all) whose
// outcome is known and that lies in the part.
func (e *evidence) each(class workload.Class, in part, f func(track, row int)) {
	for k := range e.judged {
		j := &e.judged[k]
		if class != models.AnyClass && j.class != class {
			continue
		}
		for i, at := range j.rows.at {
			if in(at) && j.rows.targets[i] == j.rows.targets[i] {
				f(k, i)
			}
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
