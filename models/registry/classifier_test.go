package registry

import (
	"strings"
	"testing"

	"github.com/auspex-project/auspex/forecast"
)

// What tells classes is named by the set, and read by those who know its format.
func TestClassifierRole(t *testing.T) {
	r := open(t)
	m, err := r.Save(Meta{Kind: Classifier}, map[string][]byte{"classifier.knn": []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want string) {
		t.Helper()
		if set, refused := r.Set(forecast.DefaultGrid()); set.ClassifierID != want || len(refused) > 0 {
			t.Errorf("%q serves, refused %v; want %q", set.ClassifierID, refused, want)
		}
	}
	serves("")
	if err := r.Promote(ClassifierRole, m.ID, "better"); err != nil {
		t.Fatal(err)
	}
	serves(m.ID)
	if err := r.Promote(PriorRole, m.ID, "confused"); err == nil || !strings.Contains(err.Error(), "cannot serve prior") {
		t.Errorf("as a prior: %v", err)
	}
	if err := r.Promote(ClassifierRole, saveMargins(t, r, .1).ID, "confused"); err == nil || !strings.Contains(err.Error(), "cannot serve classifier") {
		t.Errorf("margins as a classifier: %v", err)
	}
	if err := r.Promote(ClassifierRole, "", "worse"); err != nil {
		t.Fatal(err)
	}
	serves("")
}
