package training

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// Miss is a machine that used more than it was predicted to.
type Miss struct {
	Machine   string    `json:"machine"`
	At        time.Time `json:"at"` // when it was predicted
	Members   int       `json:"members"`
	Limit     float32   `json:"limit"` // sum of the members', in the resource's unit
	Predicted float32   `json:"predicted"`
	Actual    float32   `json:"actual"`
	Severity  float32   `json:"severity"` // (actual - predicted) / actual

	// Surprise is the member that passed its own past by most, from Before, the most
	// it had used, to After. It is empty where that explains less than half of the
	// miss: the members peaked together.
	Surprise string  `json:"surprise"`
	Before   float32 `json:"before"`
	After    float32 `json:"after"`
}

const (
	mostMisses = 10 // told of
	mostDrawn  = 2  // machines of them
)

// worst notes the largest misses of our forecasts over the test days, each
// machine's worst one, and how the machines of the very worst went.
func (e *evidence) worst(r *MachineReport, machines []*backtest.Machine, past, test []backtest.Case, margin float32) {
	worst := map[int]backtest.Case{}
	severity := func(c backtest.Case) float32 { return (c.Actual - c.Predicted(margin)) / c.Actual }
	for _, c := range test {
		if c.Actual > c.Predicted(margin)*(1+1e-6) && c.Actual > 0 {
			if w, ok := worst[c.Machine]; !ok || severity(c) > severity(w) {
				worst[c.Machine] = c
			}
		}
	}
	order := make([]backtest.Case, 0, len(worst))
	for _, k := range slices.Sorted(maps.Keys(worst)) {
		order = append(order, worst[k])
	}
	slices.SortStableFunc(order, func(a, b backtest.Case) int { return cmp.Compare(severity(b), severity(a)) })
	for i, c := range order[:min(len(order), mostMisses)] {
		r.Misses = append(r.Misses, e.miss(machines[c.Machine], c, margin))
		if i < mostDrawn {
			r.Worst = append(r.Worst, e.band(c.Machine, machines[c.Machine], past, test, margin))
		}
	}
}

func (e *evidence) miss(m *backtest.Machine, c backtest.Case, margin float32) Miss {
	at := m.At(c.Origin)
	out := Miss{Machine: nameOf(m), At: e.panel.Time(c.Origin), Members: len(at.Present), Limit: c.Limit, Predicted: c.Predicted(margin), Actual: c.Actual}
	out.Severity = (c.Actual - out.Predicted) / c.Actual
	steps := e.panel.StepsIn(e.plan.Grid.Span())
	for _, k := range at.Present {
		t := e.panel.Tracks[k]
		before, after := max(0, t.Max(t.First(), c.Origin)), max(0, t.Max(c.Origin, c.Origin+steps))
		if out.Surprise == "" || after-before > out.After-out.Before {
			out.Surprise, out.Before, out.After = t.Workload, before, after
		}
	}
	if out.After-out.Before < (out.Actual-out.Predicted)/2 {
		out.Surprise, out.Before, out.After = "", 0, 0
	}
	return out
}

func nameOf(m *backtest.Machine) string {
	if m.Node != "" {
		return m.Node
	}
	return m.String()
}

// band is how a machine went through the test days, hour by hour.
func (e *evidence) band(index int, m *backtest.Machine, past, test []backtest.Case, margin float32) backtest.Band {
	even, _ := backtest.Margin(past, .5)
	hour := e.panel.StepsIn(e.plan.Grid.Slot)
	sum := backtest.NewSum(e.panel, hour, hour, hour)
	b := backtest.Band{Machine: nameOf(m)}
	for _, c := range test {
		if c.Machine != index {
			continue
		}
		sum.Follow(m.At(c.Origin), c.Origin)
		b.Times = append(b.Times, e.panel.Time(c.Origin))
		b.Usage = append(b.Usage, sum.Max(c.Origin, c.Origin+hour))
		b.Peak = append(b.Peak, c.Actual)
		b.Predicted = append(b.Predicted, c.Predicted(margin))
		b.Median = append(b.Median, c.Predicted(even))
		b.Limit = append(b.Limit, c.Limit)
	}
	return b
}
