package rpc

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// plain reports whether m is so ordinary that it breaks no rule of the .proto
// files for certain: the calls on a scheduler's critical path mostly are, and
// need not be held against every rule. What it is not sure of is for the
// validator to judge. A field that it does not look at must be absent.
func plain(m proto.Message) bool {
	switch m := m.(type) {
	case *auspexv1.PlaceRequest:
		return plainWord(m.RequestId) && plainWorkload(m.Workload) && m.Alternatives <= 100 && plainWait(m.ReserveFor)
	case *auspexv1.PlaceBatchRequest:
		return plainCount(len(m.Requests))
	case *auspexv1.PlaceStreamRequest:
		return plainCount(len(m.Requests))
	case *auspexv1.ConfirmRequest:
		return plainWord(m.DecisionId)
	case *auspexv1.ReleaseRequest:
		target, ok := m.Target.(*auspexv1.ReleaseRequest_DecisionId)
		return ok && plainWord(target.DecisionId)
	case *auspexv1.ConfirmBatchRequest:
		return plainIDs(m.DecisionIds)
	case *auspexv1.ReleaseBatchRequest:
		return plainIDs(m.DecisionIds)
	case *auspexv1.HeartbeatRequest:
		return plainWord(m.Node)
	}
	return false
}

func plainWorkload(w *auspexv1.Workload) bool {
	return w != nil && plainWord(w.Id) && plainTexts(w.App, w.Class, w.Queue, w.Owner, w.RunsOn) &&
		w.Requests != nil && plainAmounts(w.Requests) && plainAmounts(w.Limits) &&
		plainPairs(w.Labels) && plainPairs(w.Selector) && plainSecurity(w.Security) &&
		plainPlaces(w.Locality.GetRequired()) && plainPlaces(w.Locality.GetPreferred()) && w.MaxPerNode <= 10_000 &&
		w.Accelerator == nil && len(w.Data) == 0 && len(w.Tolerations) == 0 &&
		len(w.Requirements) == 0 && len(w.Spread) == 0 && len(w.Affinity) == 0 && w.ExpectedRuntime == nil
}

func plainSecurity(s *auspexv1.Security) bool {
	return s == nil || s.Level <= 1000 && len(s.Compartments) == 0 && plainTexts(s.Tenant) && len(s.Countries) == 0
}

func plainPlaces(p *auspexv1.Places) bool {
	return p == nil || plainList(p.Providers) && plainList(p.Regions) && plainList(p.Zones) && plainList(p.Racks) && plainList(p.Nodes)
}

// plainList is for texts of which none is empty.
func plainList(list []string) bool {
	for _, s := range list {
		if !plainWord(s) {
			return false
		}
	}
	return len(list) <= 64
}

func plainIDs(list []string) bool {
	for _, s := range list {
		if !plainWord(s) {
			return false
		}
	}
	return plainCount(len(list))
}

func plainCount(n int) bool { return n >= 1 && n <= 10_000 }

func plainTexts(texts ...string) bool {
	for _, s := range texts {
		if s != "" && !plainWord(s) {
			return false
		}
	}
	return true
}

// plainWord is for 1 to 63 printable ASCII characters, which all texts may be.
func plainWord(s string) bool {
	if len(s) < 1 || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func plainPairs(m map[string]string) bool {
	for k, v := range m {
		if !plainWord(k) || v != "" && !plainWord(v) {
			return false
		}
	}
	return len(m) <= 64
}

func plainAmounts(r *auspexv1.Resources) bool {
	for name, x := range r.GetAmounts() {
		if !(x >= 0 && x <= 1e18) || name == "" || len(name) > 63 {
			return false
		}
		for i := range len(name) {
			letter := name[i] >= 'a' && name[i] <= 'z'
			if digit := name[i] >= '0' && name[i] <= '9' || name[i] == '_'; !letter && (i == 0 || !digit) {
				return false
			}
		}
	}
	return len(r.GetAmounts()) <= 32
}

func plainWait(d *durationpb.Duration) bool {
	return d == nil || d.Seconds >= 1 && d.Seconds < 86_400 && d.Nanos >= 0 && d.Nanos < 1e9
}
