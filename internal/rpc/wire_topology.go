package rpc

import (
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/workload"
)

// topologyFromWire adds what w demands of labels and company to out.
func topologyFromWire(w *auspexv1.Workload, out *workload.Workload) {
	for _, r := range w.GetRequirements() {
		out.Requirements = append(out.Requirements, workload.Requirement{
			Key: r.GetKey(), Operator: workload.Operator(r.GetOperator()), Values: r.GetValues(),
		})
	}
	for _, s := range w.GetSpread() {
		out.Spread = append(out.Spread, workload.Spread{
			Over: workload.Level(s.GetOver()), MaxSkew: int(s.GetMaxSkew()), Peers: peersFromWire(s.GetPeers()), Preferred: s.GetPreferred(),
		})
	}
	for _, a := range w.GetAffinity() {
		out.Affinity = append(out.Affinity, workload.Affinity{
			Within: workload.Level(a.GetWithin()), Peers: peersFromWire(a.GetPeers()), Apart: a.GetApart(), Preferred: a.GetPreferred(),
		})
	}
}

func topologyToWire(w *workload.Workload, out *auspexv1.Workload) {
	for _, r := range w.Requirements {
		out.Requirements = append(out.Requirements, &auspexv1.Requirement{Key: r.Key, Operator: string(r.Operator), Values: r.Values})
	}
	for _, s := range w.Spread {
		out.Spread = append(out.Spread, &auspexv1.Spread{
			Over: string(s.Over), MaxSkew: count(s.MaxSkew), Peers: peersToWire(s.Peers), Preferred: s.Preferred,
		})
	}
	for _, a := range w.Affinity {
		out.Affinity = append(out.Affinity, &auspexv1.Affinity{
			Within: string(a.Within), Peers: peersToWire(a.Peers), Apart: a.Apart, Preferred: a.Preferred,
		})
	}
}

func peersFromWire(p *auspexv1.Peers) workload.Peers {
	return workload.Peers{App: p.GetApp(), Labels: p.GetLabels()}
}

func peersToWire(p workload.Peers) *auspexv1.Peers {
	if p.App == "" && len(p.Labels) == 0 {
		return nil
	}
	return &auspexv1.Peers{App: p.App, Labels: p.Labels}
}
