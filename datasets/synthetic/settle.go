package synthetic

import (
	"slices"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// settle says where each member of the history ran: on a machine that meets its
// demands for security and accelerators, the least loaded of a few. It is a
// label on the history, not a packing that holds at every moment.
func (t *Trace) settle() {
	nodes := t.Nodes()
	used := make([]float64, len(nodes)) // cores asked for, averaged over the history
	suitable := map[*app][]int{}
	for _, m := range t.members {
		if !m.Start.Before(t.options.End) {
			continue
		}
		candidates, ok := suitable[m.app]
		if !ok {
			candidates = suitableNodes(nodes, &m.app.template)
			suitable[m.app] = candidates
		}
		if len(candidates) == 0 {
			continue
		}
		best := -1
		for try := range uint64(4) {
			i := candidates[hash(m.seed, try, saltNode)%uint64(len(candidates))]
			if best < 0 || used[i]/nodes[i].Capacity.Get(resource.CPU) < used[best]/nodes[best].Capacity.Get(resource.CPU) {
				best = i
			}
		}
		m.Node = nodes[best].Name
		used[best] += m.Workload.Requests.Get(resource.CPU) * t.presence(m)
	}
}

// presence is the share of the history during which m runs.
func (t *Trace) presence(m *Member) float64 {
	from, to := m.Start, m.End
	if from.Before(t.Start()) {
		from = t.Start()
	}
	if to.IsZero() || to.After(t.End()) {
		to = t.End()
	}
	return float64(to.Sub(from)) / float64(t.End().Sub(t.Start()))
}

func suitableNodes(nodes []fleet.Node, w *workload.Workload) []int {
	var suitable []int
	for i := range nodes {
		if suits(&nodes[i], w) {
			suitable = append(suitable, i)
		}
	}
	return suitable
}

func suits(n *fleet.Node, w *workload.Workload) bool {
	s, a := w.Security, w.Accelerator
	if n.Level < s.Level || s.Attested && !n.Attested || len(n.Devices) < a.Devices {
		return false
	}
	for _, c := range s.Compartments {
		if !slices.Contains(n.Compartments, c) {
			return false
		}
	}
	if a.Devices == 0 {
		return len(n.Devices) == 0 // accelerators are kept for those that need them
	}
	d := n.Devices[0]
	return (len(a.Models) == 0 || slices.Contains(a.Models, d.Model)) && d.MemoryBytes >= a.MemoryBytes
}
