package registry

import (
	"slices"
	"testing"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
)

func saveProfile(t *testing.T, r *Registry, n resource.Name, g forecast.Grid) string {
	t.Helper()
	d := &gbdt.Dataset{Names: models.SlotFeatures(), Columns: slices.Repeat([][]float32{{0, 1}}, len(models.SlotFeatures())), Targets: []float32{0, 1}}
	quantiles, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Quantiles: models.SlotLevels(), Trees: 1})
	if err != nil {
		t.Fatal(err)
	}
	mean, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Mean: true, Trees: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := models.NewProfiler(n, g, mean, quantiles)
	if err != nil {
		t.Fatal(err)
	}
	files, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Save(Meta{Kind: Profile, Resource: n, Rows: 2}, files)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestProfileRole(t *testing.T) {
	r := open(t)
	g := forecast.DefaultGrid()
	cpu, other := saveProfile(t, r, resource.CPU, g), saveProfile(t, r, resource.Memory, forecast.Grid{Slot: g.Slot, Slots: 12})
	if err := r.Promote(ProfileRole(resource.Memory), cpu, "of another resource"); err == nil {
		t.Error("a profile of CPU serves memory")
	}
	if err := r.Promote(LearnedRole(models.Target{Class: "service", Resource: resource.CPU}), cpu, "of another kind"); err == nil {
		t.Error("a profile serves as a learned model")
	}
	for n, id := range map[resource.Name]string{resource.CPU: cpu, resource.Memory: other} {
		if err := r.Promote(ProfileRole(n), id, "for a test"); err != nil {
			t.Fatal(err)
		}
	}
	set, refused := r.Set(g)
	if set.Profilers[resource.CPU] == nil || set.ProfilerIDs[resource.CPU] != cpu {
		t.Errorf("CPU is told by %q", set.ProfilerIDs[resource.CPU])
	}
	if set.Profilers[resource.Memory] != nil || len(refused) != 1 {
		t.Errorf("a profile of twelve slots serves, refused %v", refused)
	}
	if err := r.Remove(cpu); err == nil {
		t.Error("a profile in service was removed")
	}
}
