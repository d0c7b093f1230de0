package simulation

import (
	"context"
	"fmt"
	"math"

	"github.com/auspex-project/auspex/resource"
)

// Summary is what came of a policy on a trace. It is the stable output of auspex
// simulate pack. Shares are means over the seeds of what was allocated in the end, or
// with departures on average over time; counts are sums over the seeds.
type Summary struct {
	Trace     string   `json:"trace"`
	Policy    string   `json:"policy"`
	Seeds     int      `json:"seeds"`
	SeedList  []uint64 `json:"seed_list"`
	Protocol  string   `json:"protocol"` // ArrivalsOnly or WithDepartures
	Arrived   float64  `json:"arrived_ratio"`
	ArrivedOf string   `json:"arrived_resource"` // that arrivals are counted in

	LeftOut []resource.Name `json:"resources_left_out,omitempty"` // Trace.LeftOut

	GPU        Spread  `json:"gpu_allocated_ratio"`
	Fragmented float64 `json:"gpu_fragmented_ratio"`
	CPU        float64 `json:"cpu_allocated_ratio"`
	Memory     float64 `json:"memory_allocated_ratio"`

	Placed             int     `json:"placed"`
	Failed             int     `json:"failed"`
	FailedPerSeed      []int   `json:"failed_per_seed"`
	FailedDemand       float64 `json:"failed_demand_ratio"`  // of what arrived, by what it asked for
	DecisionsPerSecond float64 `json:"decisions_per_second"` // while planning goes on beside
	PlanningSeconds    float64 `json:"planning_seconds"`     // beside, in all

	Curve []Point `json:"curve"` // means over the seeds, by demand arrived
}

// What Summary.Protocol may be.
const (
	ArrivalsOnly   = "arrivals"
	WithDepartures = "departures"
)

// Spread is a mean over seeds, its standard deviation, and what it is of.
type Spread struct {
	Mean    float64   `json:"mean"`
	SD      float64   `json:"sd"` // of the sample; 0 for one seed
	PerSeed []float64 `json:"per_seed"`
}

// Options are what Compare is asked for.
type Options struct {
	Protocol
	Policies []string // of Policies

	// OnProgress, unless nil, is told of every replay done.
	OnProgress func(done, total int)
}

// Validate reports the first thing that is wrong with o.
func (o Options) Validate() error {
	if err := o.Protocol.Validate(); err != nil {
		return err
	}
	if len(o.Policies) == 0 {
		return fmt.Errorf("no policies (want some of %v)", Policies())
	}
	for _, name := range o.Policies {
		if _, err := policyOf(name); err != nil {
			return err
		}
	}
	return nil
}

// curveSteps is how many points a curve has for each multiple of the fleet, and half
// as many as with departures in all. mostPoints bounds them.
const (
	curveSteps = 40
	mostPoints = 10_000
)

// curve returns the empty curve of a replay of arrivals.
func (o Options) curve(t *Trace, arrivals []int32) *curve {
	if !o.Departures {
		step := max(1./curveSteps, o.Arrive/mostPoints)
		return &curve{step: step, most: int(math.Ceil(o.Arrive / step))}
	}
	total := 0.0
	for _, i := range arrivals {
		total += t.unit.share(&t.Pods[i].Workload)
	}
	if total == 0 {
		return &curve{}
	}
	return &curve{step: total / (2 * curveSteps), most: 2 * curveSteps}
}

// Compare replays t under every policy with every seed, and sums up. Every policy
// gets the same arrivals and the same order among equal nodes. The errors are those of
// Validate, ctx, and of arrivals that cannot be drawn.
func Compare(ctx context.Context, t *Trace, o Options) ([]Summary, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	outcomes := make([][]outcome, len(o.Policies))
	done := 0
	for _, seed := range o.Seeds {
		arrivals, err := o.arrivals(t, seed)
		if err != nil {
			return nil, fmt.Errorf("trace %s: %w", t.Name, err)
		}
		for i, name := range o.Policies {
			p, err := policyOf(name)
			if err != nil {
				return nil, err
			}
			r, err := newReplay(ctx, t, p, seed)
			if err != nil {
				return nil, fmt.Errorf("trace %s: %w", t.Name, err)
			}
			if err := r.run(ctx, arrivals, o.Departures, o.curve(t, arrivals)); err != nil {
				return nil, fmt.Errorf("trace %s, policy %s, seed %d: %w", t.Name, name, seed, err)
			}
			outcomes[i] = append(outcomes[i], r.result)
			if done++; o.OnProgress != nil {
				o.OnProgress(done, len(o.Seeds)*len(o.Policies))
			}
		}
	}
	summaries := make([]Summary, len(o.Policies))
	for i, name := range o.Policies {
		summaries[i] = summarize(t, name, o, outcomes[i])
	}
	return summaries, nil
}

func summarize(t *Trace, name string, o Options, outcomes []outcome) Summary {
	s := Summary{Trace: t.Name, Policy: name, Seeds: len(o.Seeds), SeedList: o.Seeds, Protocol: ArrivalsOnly, ArrivedOf: string(t.unit.of), LeftOut: t.LeftOut}
	if o.Departures {
		s.Protocol = WithDepartures
	}
	n := float64(len(outcomes))
	deciding := 0.0
	shortest := math.MaxInt
	for i := range outcomes {
		c := &outcomes[i]
		s.Arrived += c.arrived / n
		s.FailedDemand += c.refused / max(c.arrived, 1e-12) / n
		s.GPU.PerSeed = append(s.GPU.PerSeed, c.now.GPU)
		s.GPU.Mean += c.now.GPU / n
		s.Fragmented += c.now.Fragmented / n
		s.CPU += c.now.CPU / n
		s.Memory += c.now.Memory / n
		s.Placed += c.placed
		s.Failed += c.failed
		s.FailedPerSeed = append(s.FailedPerSeed, c.failed)
		s.PlanningSeconds += c.planning.Seconds()
		deciding += c.deciding.Seconds()
		shortest = min(shortest, len(c.points))
	}
	for _, x := range s.GPU.PerSeed {
		s.GPU.SD += (x - s.GPU.Mean) * (x - s.GPU.Mean)
	}
	s.GPU.SD = math.Sqrt(s.GPU.SD / max(1, n-1))
	if deciding > 0 {
		s.DecisionsPerSecond = float64(s.Placed+s.Failed) / deciding
	}
	s.Curve = make([]Point, shortest)
	for k := range s.Curve {
		for i := range outcomes {
			s.Curve[k].add(outcomes[i].points[k], 1/n)
		}
	}
	return s
}

// add adds a part of o to p.
func (p *Point) add(o Point, part float64) {
	p.Arrived += part * o.Arrived
	p.GPU += part * o.GPU
	p.CPU += part * o.CPU
	p.Memory += part * o.Memory
	p.Fragmented += part * o.Fragmented
	p.Failed += part * o.Failed
}
