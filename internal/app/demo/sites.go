package demo

import (
	"fmt"
	"slices"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/resource"
)

// site sums up nodes of one provider.
type site struct {
	nodes, workloads           int
	cpu, requested, peak       float64 // cores
	memory, memRequested, mem  float64 // bytes
	watts, devices, deviceFree float64
}

func (s *site) add(n *auspexv1.NodeStatus) {
	cpu, memory := string(resource.CPU), string(resource.Memory)
	s.nodes++
	s.workloads += int(n.Workloads)
	s.cpu += n.Node.GetCapacity().GetAmounts()[cpu]
	s.requested += n.Requested.GetAmounts()[cpu]
	s.peak += n.PredictedPeak.GetAmounts()[cpu]
	s.memory += n.Node.GetCapacity().GetAmounts()[memory]
	s.memRequested += n.Requested.GetAmounts()[memory]
	s.mem += n.PredictedPeak.GetAmounts()[memory]
	s.watts += n.PredictedWatts
	s.devices += float64(len(n.DeviceFree))
	for _, free := range n.DeviceFree {
		s.deviceFree += free
	}
}

func totals(nodes []*auspexv1.NodeStatus) site {
	var all site
	for _, n := range nodes {
		all.add(n)
	}
	return all
}

func siteGrid(nodes []*auspexv1.NodeStatus) *output.Grid {
	sites := map[string]*site{}
	var names []string
	for _, n := range nodes {
		name := n.Node.GetProvider()
		if sites[name] == nil {
			sites[name] = &site{}
			names = append(names, name)
		}
		sites[name].add(n)
	}
	slices.Sort(names)
	g := &output.Grid{Header: []string{"SITE", "NODES", "WORKLOADS", "CORES", "REQUESTED", "PREDICTED PEAK", "MEMORY", "REQUESTED", "PREDICTED PEAK", "DEVICES", "IN USE", "WATTS"}}
	row := func(name string, s site) {
		share := func(part, whole float64) string { return fmt.Sprintf("%.0f%%", 100*part/max(whole, 1e-9)) }
		g.Add(name, s.nodes, s.workloads, fmt.Sprintf("%.0f", s.cpu), share(s.requested, s.cpu), share(s.peak, s.cpu),
			resource.FormatAmount(resource.Memory, s.memory), share(s.memRequested, s.memory), share(s.mem, s.memory),
			fmt.Sprintf("%.0f", s.devices), fmt.Sprintf("%.1f", s.devices-s.deviceFree), fmt.Sprintf("%.0f", s.watts))
	}
	for _, name := range names {
		row(name, *sites[name])
	}
	row("all", totals(nodes))
	return g
}
