package journal

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/auspex-project/auspex/workload"
)

// The fields of what a workload demands of labels and company.
const (
	requirementKey = iota + 1
	requirementOperator
	requirementValues
)

const (
	spreadOver = iota + 1
	spreadMaxSkew
	spreadPeers
	spreadPreferred
)

const (
	affinityWithin = iota + 1
	affinityPeers
	affinityApart
	affinityPreferred
)

const (
	peersApp = iota + 1
	peersLabels
)

func writeTopology(w *writer, in *workload.Workload) {
	for i := range in.Requirements {
		r := &in.Requirements[i]
		w.message(workRequirements, func(w *writer) {
			w.text(requirementKey, r.Key)
			w.text(requirementOperator, string(r.Operator))
			w.texts(requirementValues, r.Values)
		})
	}
	for i := range in.Spread {
		s := &in.Spread[i]
		w.message(workSpread, func(w *writer) {
			w.text(spreadOver, string(s.Over))
			w.int(spreadMaxSkew, int64(s.MaxSkew))
			writePeers(w, spreadPeers, &s.Peers)
			w.flag(spreadPreferred, s.Preferred)
		})
	}
	for i := range in.Affinity {
		a := &in.Affinity[i]
		w.message(workAffinity, func(w *writer) {
			w.text(affinityWithin, string(a.Within))
			writePeers(w, affinityPeers, &a.Peers)
			w.flag(affinityApart, a.Apart)
			w.flag(affinityPreferred, a.Preferred)
		})
	}
	w.int(workMaxPerNode, int64(in.MaxPerNode))
}

func writePeers(w *writer, field protowire.Number, p *workload.Peers) {
	w.message(field, func(w *writer) {
		w.text(peersApp, p.App)
		w.pairs(peersLabels, p.Labels)
	})
}

func readRequirement(r *reader) (out workload.Requirement) {
	for r.next() {
		switch r.field {
		case requirementKey:
			out.Key = r.text()
		case requirementOperator:
			out.Operator = workload.Operator(r.text())
		case requirementValues:
			out.Values = append(out.Values, r.text())
		default:
			r.unknown()
		}
	}
	return out
}

func readSpread(r *reader) (s workload.Spread) {
	for r.next() {
		switch r.field {
		case spreadOver:
			s.Over = workload.Level(r.text())
		case spreadMaxSkew:
			s.MaxSkew = r.count()
		case spreadPeers:
			s.Peers = readPeers(r.message())
		case spreadPreferred:
			s.Preferred = r.flag()
		default:
			r.unknown()
		}
	}
	return s
}

func readAffinity(r *reader) (a workload.Affinity) {
	for r.next() {
		switch r.field {
		case affinityWithin:
			a.Within = workload.Level(r.text())
		case affinityPeers:
			a.Peers = readPeers(r.message())
		case affinityApart:
			a.Apart = r.flag()
		case affinityPreferred:
			a.Preferred = r.flag()
		default:
			r.unknown()
		}
	}
	return a
}

func readPeers(r *reader) (p workload.Peers) {
	for r.next() {
		switch r.field {
		case peersApp:
			p.App = r.text()
		case peersLabels:
			r.pairTo(&p.Labels)
		default:
			r.unknown()
		}
	}
	return p
}
