package training

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// kinds returns the fleet with jobs that are busy now and then, of apps of
// their own as the services are.
func kinds(workloads, days int) samples {
	h := fleet(workloads, 0, days)
	for i := range h {
		n := int(h[i].Key.Workload[3]-'0') + 10*int(h[i].Key.Workload[2]-'0')
		h[i].Key.App = string(rune('a' + n/2))
		if n%4 < 2 {
			h[i].Key.Class = workload.Batch
			cpu := .02
			if i%7 == 0 {
				cpu = 3.9
			}
			h[i].Usage = resource.Of(cpu, 7e9)
		}
	}
	return h
}

func TestNightLearnsClasses(t *testing.T) {
	r := openRegistry(t)
	cpu := Options{Resources: []resource.Name{resource.CPU}}
	report := train(t, kinds(32, 14), r, cpu)
	c := report.Classification
	if c.Verdict != Promoted || c.Champion == "" || len(c.Judged.Spaces) != 2 || !strings.Contains(c.Why, "by usage it answers") {
		t.Fatalf("%+v", c)
	}
	set, refused := r.Set(forecast.DefaultGrid())
	if len(refused) > 0 || set.ClassifierID != c.Champion {
		t.Errorf("%q serves, refused %v; want %s", set.ClassifierID, refused, c.Champion)
	}
	_, files, err := r.Load(c.Champion)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := classify.Decode(files); err != nil {
		t.Error(err)
	}

	// Without labels there is nothing to judge by, and what served goes on.
	unlabelled := slices.Clone(kinds(8, 14))
	for i := range unlabelled {
		unlabelled[i].Key.Class = ""
	}
	second := train(t, unlabelled, r, cpu)
	if x := second.Classification; x.Verdict != Kept || x.Champion != c.Champion {
		t.Errorf("without labels: %+v", x)
	}
}

func TestClassificationVerdict(t *testing.T) {
	used, unused := classify.SpaceScore{Name: "usage", Used: true, Answered: .5}, classify.SpaceScore{Name: "requests", Why: "does not beat luck"}
	for _, x := range []struct {
		name   string
		judged classify.Evaluation
		served bool
		want   Verdict
		why    string
	}{
		{"nothing labelled", classify.Evaluation{Why: "no labels"}, false, FellBack, "no labels"},
		{"nothing labelled any more", classify.Evaluation{Why: "no labels"}, true, Kept, "no labels"},
		{"useful in part", classify.Evaluation{Spaces: []classify.SpaceScore{used, unused}}, true, Promoted, "by usage it answers 50.0 %, of which 0.0 % right; not by requests, which does not beat luck"},
		{"of no use", classify.Evaluation{Spaces: []classify.SpaceScore{unused}}, true, FellBack, "does not beat luck"},
	} {
		if got, why := classification(x.judged, x.served); got != x.want || !strings.Contains(why, x.why) {
			t.Errorf("%s: %s, %q", x.name, got, why)
		}
	}
}

// A classifier that lost its use is taken out of service.
func TestAClassifierOfNoUseIsTakenOut(t *testing.T) {
	r := openRegistry(t)
	n := &night{plan: &plan{}, registry: r, checkpoint: &checkpoint{registry: r}, classes: classify.NewSampler(1), report: &Report{}}
	n.OnProgress = func(Progress) {}
	n.whole.From, n.whole.To = start, start.Add(time.Hour)
	c := &classify.Classifier{}
	id, err := n.saveClassifier(c, classify.Evaluation{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Promote(registry.ClassifierRole, id, "for a test"); err != nil {
		t.Fatal(err)
	}
	// Two classes of equal requests, no usage: nobody can tell them apart.
	for i, s := range described(80) {
		s.Class = workload.Class(string(rune('a' + i%2)))
		n.classes.Add(&s)
	}
	if err := n.learnClasses(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(n.report.changes()...); err != nil {
		t.Fatal(err)
	}
	champions, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	if x := n.report.Classification; x.Verdict != FellBack || champions[registry.ClassifierRole].ID != "" || len(champions[registry.ClassifierRole].Past) != 1 {
		t.Errorf("%+v, in service %+v", x, champions)
	}
}

func described(n int) []models.Subject {
	var all []models.Subject
	for i := range n {
		all = append(all, models.Subject{ID: fmt.Sprint("w", i), Limits: resource.Of(2, 4e9)})
	}
	return all
}
