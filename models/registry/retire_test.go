package registry

import (
	"errors"
	"testing"

	"github.com/auspex-project/auspex/models"
)

// What was judged may have been replaced meanwhile: then nothing is retired.
func TestRetireComparesFirst(t *testing.T) {
	r := open(t)
	service := models.Target{Class: "service", Resource: "cpu"}
	batch := models.Target{Class: "batch", Resource: "cpu"}
	everybody := LearnedRole(models.Target{Class: models.AnyClass, Resource: "cpu"})
	a, b := saveLearned(t, r), saveLearned(t, r)
	for role, id := range map[Role]string{everybody: a, LearnedRole(service): b} {
		if err := r.Promote(role, id, "for a test"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		target models.Target
		id     string
		ok     bool
	}{{service, a, false}, {service, b, true}, {service, b, false}, {batch, b, false}, {batch, "", false}, {batch, a, true}, {batch, a, false}} {
		if err := r.Retire(c.target, c.id, "broke a promise"); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrNotServing) {
			t.Errorf("retire %q from %v: %v", c.id, c.target, err)
		}
	}
	champions, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	if champions[everybody].ID != a {
		t.Error("one class that fell back took all others with it")
	}
	for _, role := range []Role{LearnedRole(service), LearnedRole(batch)} {
		if s, ok := champions[role]; !ok || s.ID != "" {
			t.Errorf("%s is served by %q, known %v", role, s.ID, ok)
		}
	}
}
