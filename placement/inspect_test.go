package placement_test

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/workload"
)

// compareShape is Engine.CompareShape on the fleet of s, as a large one and a thorough one
// get answers.
func compareShape(s *ledger.Service, w *workload.Workload, most int) (known bool, err error) {
	for _, thorough := range []bool{false, true} {
		err = s.Inspect(w, func(q *placement.Query, e *placement.Engine, latest func() *placement.State) (err error) {
			known, err = e.CompareShape(q, latest, most, thorough)
			return err
		})
		if !known || err != nil {
			return known, err
		}
	}
	return true, nil
}

// comparePreemption is Engine.ComparePreemption on the fleet of s.
func comparePreemption(s *ledger.Service, w *workload.Workload) error {
	return s.Inspect(w, func(q *placement.Query, e *placement.Engine, _ func() *placement.State) error {
		return e.ComparePreemption(q)
	})
}

// compareScans is Engine.CompareScans on the fleet of s.
func compareScans(s *ledger.Service, w *workload.Workload, most int) (outranked int, err error) {
	err = s.Inspect(w, func(q *placement.Query, e *placement.Engine, _ func() *placement.State) (err error) {
		outranked, err = e.CompareScans(q, most)
		return err
	})
	return outranked, err
}

// updateLate is Engine.UpdateLate on the fleet of s.
func updateLate(s *ledger.Service, w *workload.Workload, meanwhile func()) error {
	return s.Inspect(w, func(q *placement.Query, e *placement.Engine, latest func() *placement.State) error {
		return e.UpdateLate(q, latest, meanwhile)
	})
}

// learnedOf is Engine.Learned on the fleet of s.
func learnedOf(s *ledger.Service, w *workload.Workload) (plan any) {
	_ = s.Inspect(w, func(q *placement.Query, e *placement.Engine, _ func() *placement.State) error {
		plan = e.Learned(q)
		return nil
	})
	return plan
}

// look calls f with the engine and the fleet of s.
func look(s *ledger.Service, f func(e *placement.Engine, fleet *placement.State)) {
	w := &workload.Workload{ID: "looks", Class: workload.Service}
	if err := s.Inspect(w, func(q *placement.Query, e *placement.Engine, _ func() *placement.State) error {
		f(e, q.State)
		return nil
	}); err != nil {
		panic(err)
	}
}

// shapes returns how many shapes are kept.
func shapes(s *ledger.Service) (kept int) {
	look(s, func(e *placement.Engine, _ *placement.State) { kept = e.Shapes() })
	return kept
}

// groups returns how many positions groups take.
func groups(s *ledger.Service) (n int) {
	look(s, func(_ *placement.Engine, fleet *placement.State) { n = len(fleet.Groups) })
	return n
}

// checkGroups is State.CheckGroups of the fleet of s.
func checkGroups(s *ledger.Service) (err error) {
	look(s, func(_ *placement.Engine, fleet *placement.State) { err = fleet.CheckGroups() })
	return err
}

// readers returns how many are reading states of the fleet whose metrics are in r.
func readers(t interface{ Fatal(...any) }, r *prometheus.Registry) int {
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "auspex_placement_readers" {
			return int(f.Metric[0].GetGauge().GetValue())
		}
	}
	t.Fatal("nothing tells how many are reading")
	return 0
}
