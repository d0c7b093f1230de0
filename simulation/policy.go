package simulation

import (
	"fmt"
	"strings"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/rival"
	"github.com/auspex-project/auspex/placement/score"
)

// policy is a profile of the engine: which scorers count, each by its own default
// weight, and what of the trace it may know.
type policy struct {
	name    string
	scorers []placement.Scorer
	plain   []placement.Scorer // on traces without devices; nil: the same
	learns  bool               // the mix, from what arrives, and plans by it
	told    bool               // the mix of the whole trace beforehand
	draws   bool               // anew for each workload
}

// policies returns all there are, ours first.
func policies() []policy {
	return []policy{
		{name: "auspex", scorers: []placement.Scorer{score.Accelerator{}}, plain: []placement.Scorer{score.Room{}}, learns: true},
		{name: "fgd", scorers: []placement.Scorer{rival.FGD{}}, told: true},
		{name: "bestfit", scorers: []placement.Scorer{rival.BestFit{}}},
		{name: "dotprod", scorers: []placement.Scorer{rival.DotProd{}}},
		{name: "gpupacking", scorers: []placement.Scorer{rival.GPUPacking{}}},
		{name: "gpuclustering", scorers: []placement.Scorer{rival.GPUClustering{}}},
		{name: "random", scorers: []placement.Scorer{rival.Random{}}, draws: true},
		{name: "least-allocated", scorers: []placement.Scorer{rival.LeastAllocated{}}},
		{name: "most-allocated", scorers: []placement.Scorer{rival.MostAllocated{}}},
	}
}

// Policies returns the names of all policies.
func Policies() []string {
	var names []string
	for _, p := range policies() {
		names = append(names, p.name)
	}
	return names
}

func policyOf(name string) (policy, error) {
	for _, p := range policies() {
		if p.name == name {
			return p, nil
		}
	}
	return policy{}, fmt.Errorf("unknown policy %q (want some of %s)", name, strings.Join(Policies(), ", "))
}
