package score

import (
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// All returns every scorer in the order in which points are reported.
func All() []placement.Scorer {
	return []placement.Scorer{
		Fit{},
		Balance{},
		Risk{},
		Power{},
		Accelerator{},
		Room{},
		Locality{},
		Egress{},
		Cost{},
		Electricity{},
		Carbon{},
		Preference{},
		Affinity{},
		Spread{},
		Taints{},
		Stability{},
	}
}

// Names returns the names of All, by which the configuration gives weights.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name())
	}
	return names
}

// each calls f with every node of candidates.
func each(candidates uint64, f func(i int)) {
	for m := candidates; m != 0; m &= m - 1 {
		f(bits.TrailingZeros64(m) & (placement.BlockSize - 1))
	}
}

// percent puts a share of 0 to 1 on the scale of values; what is outside is held
// to its ends, and what is no number to the lower.
func percent(share float32) float32 {
	switch {
	case share >= 1:
		return 100
	case share > 0:
		return 100 * share
	}
	return 0
}

// loads returns the loads of those needs of q that a node's size is measured by.
func loads(q *placement.Query) []placement.Load {
	var loads []placement.Load
	for i := range q.Needs {
		if n := &q.Needs[i]; n.Index >= 0 && n.Limit > 0 {
			loads = append(loads, q.Load(n))
		}
	}
	return loads
}
