package simulation

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Protocol says what arrives.
type Protocol struct {
	// Arrive is what is asked for, as a multiple of what the fleet has: in all, or with
	// Departures at the busiest moment.
	Arrive     float64
	Departures bool
	Seeds      []uint64
}

// mostArrivals bounds a replay: a list of tiny pods on a large fleet would run
// forever.
const mostArrivals = 20_000_000

// Validate reports the first thing that is wrong with p.
func (p Protocol) Validate() error {
	switch {
	case !(p.Arrive > 0) || math.IsInf(p.Arrive, 0):
		return fmt.Errorf("arrivals of %g x the fleet (want more than 0, such as 1.3)", p.Arrive)
	case len(p.Seeds) == 0:
		return errors.New("no seeds (want at least 1)")
	}
	return nil
}

// arrivals returns what arrives with a seed, in order, as positions in t.Pods.
func (p Protocol) arrivals(t *Trace, seed uint64) ([]int32, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	if p.Departures {
		return p.comingAndGoing(t, rng)
	}
	order := rng.Perm(len(t.Pods))
	var out []int32
	for asked := 0.0; asked < p.Arrive*(1-1e-12); {
		k := 0
		if n := len(out); n < len(order) {
			k = order[n]
		} else if n == mostArrivals {
			return nil, tooMany(p.Arrive)
		} else {
			k = rng.IntN(len(t.Pods))
		}
		out = append(out, int32(k))
		asked += t.unit.share(&t.Pods[k].Workload)
	}
	return out, nil
}

func tooMany(f float64) error {
	return fmt.Errorf("%g x the fleet takes more than %d arrivals: replay on fewer nodes or with less", f, mostArrivals)
}

// comingAndGoing draws as many pods as bring the busiest moment to p.Arrive.
func (p Protocol) comingAndGoing(t *Trace, rng *rand.Rand) ([]int32, error) {
	var timed []int32
	departs := false
	for i := range t.Pods {
		if pod := &t.Pods[i]; !pod.Arrive.IsZero() {
			timed = append(timed, int32(i))
			departs = departs || !pod.Depart.IsZero()
		}
	}
	switch {
	case len(timed) == 0:
		return nil, errors.New("no pod says when it arrives: replay arrivals only")
	case !departs:
		return nil, errors.New("no pod says when it departs: replay arrivals only")
	}
	peak := busiest(t, timed)
	stays := func(i int32) bool { p := &t.Pods[i]; return p.Depart.IsZero() || p.Depart.After(p.Arrive) }
	switch {
	case peak == 0 && !slices.ContainsFunc(timed, stays):
		return nil, errors.New("all pods depart as they arrive, so that nothing is ever asked for: replay arrivals only")
	case peak == 0:
		return nil, fmt.Errorf("no pod that says when it arrives asks for %s", t.unit.of)
	}
	n := math.Ceil(p.Arrive / peak * float64(len(timed)))
	if n > mostArrivals {
		return nil, tooMany(p.Arrive)
	}
	out := make([]int32, int(n))
	for i := range out {
		out[i] = timed[rng.IntN(len(timed))]
	}
	slices.SortStableFunc(out, func(a, b int32) int { return t.Pods[a].Arrive.Compare(t.Pods[b].Arrive) })
	return out, nil
}

// busiest returns the most that is asked for at once, as a share of the fleet.
func busiest(t *Trace, pods []int32) float64 {
	type change struct {
		at    time.Time
		share float64
	}
	var changes []change
	for _, i := range pods {
		pod := &t.Pods[i]
		share := t.unit.share(&pod.Workload)
		changes = append(changes, change{pod.Arrive, share})
		if !pod.Depart.IsZero() {
			changes = append(changes, change{pod.Depart, -share})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.share, b.share)) // departures first
	})
	sum, most := 0.0, 0.0
	for _, c := range changes {
		sum += c.share
		most = max(most, sum)
	}
	return most
}
