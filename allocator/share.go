package allocator

import "github.com/auspex-project/auspex/resource"

// Share is what one queue has of the fleet, those below it included.
type Share struct {
	Queue     Queue
	Used      resource.Vector // all that it holds
	Revocable resource.Vector // the part of Used that can be taken back
	Workloads int

	DominantResource resource.Name // "" when it holds nothing
	DominantShare    float64       // of the fleet's amount of DominantResource
	WeightedShare    float64       // DominantShare over weight
}

// Shares returns the share of every queue in the order of Queues. capacity is
// what the fleet holds.
func (t *Tree) Shares(u *Usage, capacity resource.Vector) []Share {
	shares := make([]Share, 0, len(t.nodes)-1)
	for i, n := range t.nodes[1:] {
		h := u.holds[i+1]
		s := Share{Queue: n.Queue, Used: h.total(), Revocable: h.revocable, Workloads: h.workloads}
		s.DominantResource, s.DominantShare = dominant(s.Used, capacity)
		s.WeightedShare = s.DominantShare / n.Weight
		shares = append(shares, s)
	}
	return shares
}

// dominant returns the dominant resource and share of used (NSDI'11, section
// 4.1). Resources of which the fleet holds nothing have no share.
func dominant(used, capacity resource.Vector) (resource.Name, float64) {
	for r := range used.All() {
		if capacity.Get(r) <= 0 {
			used = used.Without(r)
		}
	}
	return used.DominantShare(capacity)
}
