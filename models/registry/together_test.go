package registry

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

// saveMarginsOf stores margins q for sums of CPU by each of profilers, and of memory
// by earlier days.
func saveMarginsOf(t *testing.T, r *Registry, q float32, profilers ...string) string {
	t.Helper()
	var m models.NodeMargins
	add := func(n resource.Name, profiler string) {
		m.Bands = append(m.Bands, models.SumBand{Band: forecast.Band{Resource: n, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: q}}}, Profiler: profiler})
	}
	add(resource.Memory, "")
	for _, p := range profilers {
		add(resource.CPU, p)
	}
	id, err := r.saveMargins(m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// served is what a table would use: who tells slots of CPU, and the margin of nodes.
func served(t *testing.T, r *Registry) (profiler string, q float32, refused []error) {
	t.Helper()
	set, refused := r.Set(forecast.DefaultGrid())
	return set.ProfilerIDs[resource.CPU], set.Margins.At(resource.CPU, 12, .01), refused
}

// pairs puts two nights in service: what told slots, and its margins.
func pairs(t *testing.T) (r *Registry, first, second string, margins [2]string) {
	t.Helper()
	r = open(t)
	g := forecast.DefaultGrid()
	first, second = saveProfile(t, r, resource.CPU, g), saveProfile(t, r, resource.CPU, g)
	margins = [2]string{saveMarginsOf(t, r, .1, "", first), saveMarginsOf(t, r, .2, "", second)}
	for i, id := range []string{first, second} {
		if err := r.Apply(Change{Role: ProfileRole(resource.CPU), ID: id, Why: "a night"}, Change{Role: MarginsRole, ID: margins[i], Why: "a night"}); err != nil {
			t.Fatal(err)
		}
	}
	return r, first, second, margins
}

func TestApplyIsAllOrNothing(t *testing.T) {
	r, first, second, margins := pairs(t)
	if err := r.Apply(Change{Role: ProfileRole(resource.CPU), ID: first}, Change{Role: MarginsRole, ID: first}); err == nil {
		t.Fatal("a profile serves as margins")
	}
	if p, q, refused := served(t, r); p != second || q != .2 || refused != nil {
		t.Errorf("served %s, %g, %v", p, q, refused)
	}
	// What serves already gets no second term.
	if err := r.Apply(Change{Role: MarginsRole, ID: margins[1], Why: "again"}); err != nil {
		t.Fatal(err)
	}
	c, err := r.Champions()
	if err != nil || len(c[MarginsRole].Past) != 1 {
		t.Errorf("%+v, %v", c[MarginsRole], err)
	}
}

// Shadows stand beside what serves, and where nothing does they serve.
func TestApplyShadows(t *testing.T) {
	r := open(t)
	role := ProfileRole(resource.CPU)
	a, b := saveProfile(t, r, resource.CPU, forecast.DefaultGrid()), saveProfile(t, r, resource.CPU, forecast.DefaultGrid())
	for _, id := range []string{a, b, b} {
		if err := r.Apply(Change{Role: role, ID: id, Shadow: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Apply(Change{Role: MarginsRole, ID: a, Shadow: true}); err == nil {
		t.Error("margins are tried in shadow")
	}
	if err := r.Apply(Change{Role: role, Shadow: true}); err == nil {
		t.Error("nothing is tried in shadow")
	}
	// A night that is gone on with may ask for the trial of what has won it meanwhile.
	if err := r.Apply(Change{Role: role, ID: a, Shadow: true}); err != nil {
		t.Error(err)
	}
	c, err := r.Champions()
	if s := c[role]; err != nil || s.ID != a || s.Challenger == nil || s.Challenger.ID != b {
		t.Errorf("%+v, %v", c[role], err)
	}
}

// Margins of one profile do not serve another: sums of peaks do, and it is said.
func TestMarginsFollowWhatTellsSlots(t *testing.T) {
	r, first, second, _ := pairs(t)
	if err := r.Promote(ProfileRole(resource.CPU), first, "by hand"); err != nil {
		t.Fatal(err)
	}
	p, q, refused := served(t, r)
	if p != first || q != 1 || len(refused) != 1 || !strings.Contains(refused[0].Error(), "sums of peaks") {
		t.Errorf("served %s, %g, %v", p, q, refused)
	}
	if err := r.Promote(ProfileRole(resource.CPU), second, "by hand"); err != nil {
		t.Fatal(err)
	}
	// A profile that is damaged leaves earlier days, whose margins are there too.
	if err := flip(filepath.Join(r.Dir(), second, "slot-mean.gbdt")); err != nil {
		t.Fatal(err)
	}
	if p, q, refused := served(t, r); p != "" || q != .2 || len(refused) != 1 {
		t.Errorf("served %q, %g, %v", p, q, refused)
	}
}

func TestRollbackTakesThePair(t *testing.T) {
	for _, role := range []Role{ProfileRole(resource.CPU), MarginsRole} {
		r, first, _, _ := pairs(t)
		back, err := r.Rollback(role, "undo")
		if err != nil || len(back) != 2 || back[0].Role != role {
			t.Fatalf("%s: %+v, %v", role, back, err)
		}
		if p, q, refused := served(t, r); p != first || q != .1 || refused != nil {
			t.Errorf("after %s: %s, %g, %v", role, p, q, refused)
		}
	}
	// Margins of other resources are not those of old.
	r, _, _, _ := pairs(t)
	if _, err := r.Rollback(ProfileRole(resource.CPU), "undo"); err != nil {
		t.Fatal(err)
	}
	if set, _ := r.Set(forecast.DefaultGrid()); set.Margins.At(resource.Memory, 12, .01) != .2 {
		t.Error("memory went back with CPU")
	}
}

// Margins that cannot be used are not taken for margins that know nothing: those of
// other resources go back, too, and not to sums of peaks without a word.
func TestRollbackPastDamagedMargins(t *testing.T) {
	r, first, _, margins := pairs(t)
	if err := os.RemoveAll(filepath.Join(r.Dir(), margins[1])); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rollback(ProfileRole(resource.CPU), "undo"); err != nil {
		t.Fatal(err)
	}
	if p, q, refused := served(t, r); p != first || q != .1 || refused != nil {
		t.Errorf("served %s, %g, %v", p, q, refused)
	}
	if set, _ := r.Set(forecast.DefaultGrid()); set.Margins.At(resource.Memory, 12, .01) != .1 {
		t.Errorf("memory is left with a margin of %g", set.Margins.At(resource.Memory, 12, .01))
	}
}

// What another version of the program wrote is whole, and passed over all the same.
func TestRollbackPassesOverWhatCannotBeRead(t *testing.T) {
	r, first, second, _ := pairs(t)
	role := ProfileRole(resource.CPU)
	other, err := r.Save(Meta{Kind: Profile, Resource: resource.CPU, Rows: 1}, map[string][]byte{"profile.json": []byte("of another version")})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{other.ID, second} {
		if err := r.Promote(role, id, "by hand"); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{second, first} {
		back, err := r.Rollback(role, "undo")
		if err != nil || back[0].Term.ID != want {
			t.Errorf("rolled back to %+v, %v; want %s", back, err, want)
		}
	}
}

// Three versions, the second of which is gone: one rollback goes to the first.
func TestRollbackPassesOverWhatIsDamaged(t *testing.T) {
	r, first, second, margins := pairs(t)
	third := saveProfile(t, r, resource.CPU, forecast.DefaultGrid())
	if err := r.Apply(Change{Role: ProfileRole(resource.CPU), ID: third}, Change{Role: MarginsRole, ID: saveMarginsOf(t, r, .3, "", third)}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{second, margins[1]} {
		if err := os.RemoveAll(filepath.Join(r.Dir(), id)); err != nil {
			t.Fatal(err)
		}
	}
	back, err := r.Rollback(ProfileRole(resource.CPU), "undo")
	if err != nil || !slices.Equal(back[0].Skipped, []string{second}) || !strings.Contains(back[0].Term.Why, second) {
		t.Fatalf("%+v, %v", back, err)
	}
	if p, q, refused := served(t, r); p != first || q != .1 || refused != nil {
		t.Errorf("served %s, %g, %v", p, q, refused)
	}
	if err := os.RemoveAll(filepath.Join(r.Dir(), first)); err != nil {
		t.Fatal(err)
	}
	if back, err := r.Rollback(ProfileRole(resource.CPU), "undo"); err == nil {
		t.Errorf("rolled back to %+v, of which nothing is left", back)
	}
}

// A learned model that goes back takes margins along that were calibrated with its
// peaks, of its resource alone.
func TestRollbackTakesMarginsOfThePeaks(t *testing.T) {
	r := open(t)
	role := LearnedRole(models.Target{Class: models.AnyClass, Resource: resource.CPU})
	night := func(q float32, learned ...string) {
		t.Helper()
		var m models.NodeMargins
		for _, n := range []resource.Name{resource.CPU, resource.Memory} {
			m.Bands = append(m.Bands, models.SumBand{Band: forecast.Band{Resource: n, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: q}}}, Learned: append([]string{}, learned...)})
		}
		id, err := r.saveMargins(m)
		if err != nil {
			t.Fatal(err)
		}
		changes := []Change{{Role: MarginsRole, ID: id, Why: "a night"}}
		for _, id := range learned {
			changes = append(changes, Change{Role: role, ID: id, Why: "a night"})
		}
		if err := r.Apply(changes...); err != nil {
			t.Fatal(err)
		}
	}
	first, second := saveLearned(t, r), saveLearned(t, r)
	night(.1)
	night(.2, first)
	night(.3, second)
	night(.4, second)
	margins := func() (cpu, memory float32) {
		c, err := r.Champions()
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.nodeMargins(c[MarginsRole].ID)
		if err != nil {
			t.Fatal(err)
		}
		of, _ := m.Of(nil)
		return of.At(resource.CPU, 12, .01), of.At(resource.Memory, 12, .01)
	}
	back, err := r.Rollback(role, "undo")
	if err != nil || len(back) != 2 || back[0].Term.ID != first || back[1].Role != MarginsRole {
		t.Fatalf("%+v, %v", back, err)
	}
	if cpu, memory := margins(); cpu != .2 || memory != .4 {
		t.Errorf("margins of %g and %g after the rollback", cpu, memory)
	}
	// Margins that do not say whose peaks they knew are left as they are.
	id, err := r.saveMargins(models.NodeMargins{Bands: []models.SumBand{{Band: forecast.Band{Resource: resource.CPU, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: .5}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(Change{Role: MarginsRole, ID: id}, Change{Role: role, ID: second}); err != nil {
		t.Fatal(err)
	}
	if back, err := r.Rollback(role, "undo"); err != nil || len(back) != 1 {
		t.Errorf("%+v, %v", back, err)
	}
	if cpu, _ := margins(); cpu != .5 {
		t.Errorf("a margin of %g", cpu)
	}
}
