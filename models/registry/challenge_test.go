package registry

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
)

func saveLearned(t *testing.T, r *Registry) string {
	t.Helper()
	d := &gbdt.Dataset{Names: models.Features(), Columns: slices.Repeat([][]float32{{0, 1}}, len(models.Features())), Targets: []float32{0, 1}}
	var corrections []models.Correction
	for i := range models.Levels() {
		trees, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Quantiles: models.Levels()[i : i+1], Trees: 1})
		if err != nil {
			t.Fatal(err)
		}
		corrections = append(corrections, models.Correction{Trees: trees})
	}
	model, err := models.NewLearned("cpu", forecast.DefaultGrid(), corrections)
	if err != nil {
		t.Fatal(err)
	}
	files, err := model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Save(Meta{Kind: Learned, Class: "service", Resource: "cpu", Rows: 1}, files)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestTrials(t *testing.T) {
	r := open(t)
	role := LearnedRole(models.Target{Class: "service", Resource: "cpu"})
	a, b, c := saveLearned(t, r), saveLearned(t, r), saveLearned(t, r)
	service := func() Service {
		t.Helper()
		champions, err := r.Champions()
		if err != nil {
			t.Fatal(err)
		}
		return champions[role]
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.Promote(role, a, "first"))
	if err := r.Apply(Change{Role: MarginsRole, ID: a, Shadow: true, Why: "no such trial"}); err == nil {
		t.Error("margins have a challenger")
	}
	must(r.Apply(Change{Role: role, ID: b, Shadow: true, Why: "better"}))
	if err := r.Remove(b); err == nil {
		t.Error("a challenger was removed")
	}
	if err := r.Conclude(role, c, true, "another's"); !errors.Is(err, ErrNoTrial) {
		t.Errorf("concluded what is no trial: %v", err)
	}
	must(r.Conclude(role, b, false, "worse"))
	if s := service(); s.ID != a || s.Challenger != nil || s.Dismissed == nil || s.Dismissed.ID != b {
		t.Errorf("after a dismissal: %+v", s)
	}
	must(r.Apply(Change{Role: role, ID: c, Shadow: true, Why: "better"}))
	must(r.Conclude(role, c, true, "no worse"))
	if s := service(); s.ID != c || s.Challenger != nil || s.Past[0].ID != a {
		t.Errorf("after a promotion: %+v", s)
	}
	if err := r.Conclude(role, c, true, "again"); !errors.Is(err, ErrNoTrial) {
		t.Errorf("concluded twice: %v", err)
	}
	must(r.Apply(Change{Role: role, ID: b, Shadow: true, Why: "again"}))
	if _, err := r.Rollback(role, "undo"); err != nil {
		t.Fatal(err)
	}
	if s := service(); s.ID != a || s.Challenger != nil {
		t.Errorf("a rollback leaves the trial: %+v", s)
	}
}

// A file of the version before challengers is still read.
func TestChampionsOfVersionOne(t *testing.T) {
	r := open(t)
	old := `{"version":1,"roles":{"learned/service/cpu":{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","since":"2026-01-05T00:00:00Z","why":"x"}}}`
	if err := os.WriteFile(filepath.Join(r.Dir(), championsFile), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := r.Champions()
	if err != nil || c["learned/service/cpu"].ID == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestNotes(t *testing.T) {
	r := open(t)
	if _, err := r.ReadNote(NightNote); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a note that is not there: %v", err)
	}
	for _, text := range []string{"one", "two"} {
		if err := r.WriteNote(NightNote, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := r.ReadNote(NightNote); err != nil || string(data) != "two" {
		t.Errorf("%s, %v", data, err)
	}
	for range 2 {
		if err := r.RemoveNote(NightNote); err != nil {
			t.Error(err)
		}
	}
	if list, err := r.List(); err != nil || len(list) != 0 {
		t.Errorf("notes are listed: %v, %v", list, err)
	}
}
