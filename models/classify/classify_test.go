package classify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday

// subject has used cpu(hour) of its limit in every hour of some days.
func subject(id, app string, class workload.Class, limits resource.Vector, hours int, cpu func(hour int) float64) models.Subject {
	h := models.NewHistory(forecast.DefaultGrid())
	for i := range hours {
		h.Add(&timeseries.Sample{
			Key:  timeseries.Key{Workload: id, App: app, Class: class},
			Time: start.Add(time.Duration(i)*time.Hour + 30*time.Minute), Limit: limits,
			Usage: resource.Of(cpu(i)*limits.Get(resource.CPU), .5*limits.Get(resource.Memory)),
		})
	}
	return models.Observed(h)
}

// daily peaks by day and steady is always busy; so are their cousins, the more
// they differ the larger noise.
func cousins(n int, noise float64) []models.Subject {
	r := rand.New(rand.NewPCG(1, 2))
	var all []models.Subject
	for i := range n {
		shift := 24 * r.Float64()
		all = append(all,
			subject(fmt.Sprint("d", i), fmt.Sprint("web", i/3), workload.Service, resource.Of(2, 4<<30), 96, func(h int) float64 {
				return .3 + .25*math.Sin(2*math.Pi*(float64(h)+shift)/24) + noise*r.Float64()
			}),
			subject(fmt.Sprint("s", i), fmt.Sprint("etl", i/3), workload.Batch, resource.Of(8, 64<<30), 96, func(h int) float64 {
				return .8 + noise*r.Float64()
			}))
	}
	return all
}

func sampled(subjects []models.Subject, seed uint64) *Sampler {
	b := NewSampler(seed)
	for i := range subjects {
		b.Add(&subjects[i])
	}
	return b
}

func fit(t testing.TB, subjects []models.Subject, seed uint64) (*Classifier, Evaluation) {
	t.Helper()
	c, e, err := sampled(subjects, seed).Fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, e
}

func TestLearnsShapesAndRequests(t *testing.T) {
	c, e := fit(t, cousins(30, .05), 1)
	if len(e.Spaces) != 2 || !e.Useful() || e.Workloads != 60 || e.Apps != 20 {
		t.Fatalf("%+v", e)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Error(err)
	}
	for _, s := range e.Spaces {
		total := 0
		for _, row := range s.Confusion {
			for _, n := range row {
				total += n
			}
		}
		if total != s.Cases || s.Neighbours.All < s.Majority.All {
			t.Errorf("%s: %d of %d cases told, %+v", s.Name, total, s.Cases, s)
		}
	}
	unlabelled := cousins(31, .05)[60:]
	for i, want := range []workload.Class{workload.Service, workload.Batch} {
		s := unlabelled[i]
		s.Class, s.App = "", ""
		if class, ok := c.Classify(&s); !ok || class != want {
			t.Errorf("by its usage it is %q, %v, want %s", class, ok, want)
		}
		s.History = nil
		s.Limits = resource.Of(2, 4<<30)
		if class, ok := c.Classify(&s); !ok || class != workload.Service {
			t.Errorf("by its requests it is %q, %v, want a service", class, ok)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, x := range []struct {
		neighbours, majority, centroid, answered float64
		used                                     bool
		says                                     string
	}{
		{.9, .5, .8, .5, true, "right in 90.0 % of the answered cases"},
		{.5, .5, .4, .5, false, "does not beat the largest class"},
		{.8, .5, .8, .5, false, "does not beat the nearest centroid"},
		{.8, .5, .9, .5, false, "does not beat the nearest centroid"},
		{1, .5, 1, .5, true, "right in 100.0 %"}, // nobody can be better
		{1, .5, .5, .1, false, "answers 10 cases (want at least 30)"},
	} {
		s := SpaceScore{Cases: 100, Answered: x.answered,
			Neighbours: Accuracy{Answered: x.neighbours}, Majority: Accuracy{Answered: x.majority}, Centroid: Accuracy{Answered: x.centroid}}
		if used, why := s.verdict(); used != x.used || !strings.Contains(why, x.says) {
			t.Errorf("%+v: %v, %q", x, used, why)
		}
	}
}

// Two rings, one within the other, have the same centroid.
func TestBeatsTheCentroidWhereShapesAreNotRound(t *testing.T) {
	subjects := rings(60)
	c, e := fit(t, subjects, 1)
	requests := e.Spaces[1]
	if !requests.Used || requests.Neighbours.All < .9 || requests.Centroid.All > .8 {
		t.Fatalf("%+v", requests)
	}
	for _, x := range []struct {
		cores, gib float64
		want       workload.Class
	}{{4, 4, "inner"}, {64, 4, "outer"}, {4, 64, "outer"}} {
		s := models.Subject{ID: "new", Limits: resource.Of(x.cores, x.gib*(1<<30))}
		if class, ok := c.Classify(&s); !ok || class != x.want {
			t.Errorf("%g cores and %g GiB are %q, %v, want %s", x.cores, x.gib, class, ok, x.want)
		}
	}
	if class, ok := c.Classify(&models.Subject{ID: "silent"}); ok {
		t.Errorf("what said nothing is %s", class)
	}
	var none *Classifier
	if class, ok := none.Classify(&subjects[0]); ok {
		t.Errorf("no classifier says %s", class)
	}
}

// rings are workloads that only describe themselves: the logarithms of their
// cores and memory lie on one of two circles around (2, 2).
func rings(n int) []models.Subject {
	var all []models.Subject
	for i := range n {
		angle := 2 * math.Pi * float64(i) / float64(n)
		for _, ring := range []struct {
			class  workload.Class
			radius float64
		}{{"inner", .5}, {"outer", 4}} {
			cores, gib := math.Exp2(2+ring.radius*math.Cos(angle)), math.Exp2(2+ring.radius*math.Sin(angle))
			all = append(all, models.Subject{ID: fmt.Sprint(ring.class, i), Class: ring.class, Limits: resource.Of(cores, gib*(1<<30))})
		}
	}
	return all
}

// Labels that mean nothing are not learned.
func TestLabelsDrawnAtRandomAreOfNoUse(t *testing.T) {
	subjects := cousins(40, .05)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range subjects {
		subjects[i].Class = workload.Class(fmt.Sprint("c", r.IntN(4)))
		subjects[i].App = subjects[i].ID
	}
	c, e := fit(t, subjects, 1)
	for _, s := range e.Spaces {
		if s.Neighbours.All > .45 {
			t.Errorf("%s: %+v", s.Name, s.Neighbours)
		}
	}
	told := 0
	for i := range subjects {
		if _, ok := c.Classify(&subjects[i]); ok {
			told++
		}
	}
	if told > len(subjects)/4 {
		t.Errorf("%d of %d told: %+v", told, len(subjects), e)
	}
}

func TestTooLittleToLearnFrom(t *testing.T) {
	two := cousins(30, .05)
	for _, x := range []struct {
		name     string
		subjects []models.Subject
		says     string
	}{
		{"nothing", nil, "0 classes"},
		{"no labels", changed(two, func(s *models.Subject) { s.Class = "" }), "0 classes"},
		{"one class", changed(two, func(s *models.Subject) { s.Class = workload.Batch }), "1 classes"},
		{"an app each", changed(two, func(s *models.Subject) { s.App = string(s.Class) }), "two labelled apps"},
		{"few", two[:10], ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, e := fit(t, x.subjects, 1)
			if e.Useful() || !strings.Contains(e.Why, x.says) {
				t.Errorf("%+v", e)
			}
			if class, ok := c.Classify(&two[0]); ok {
				t.Errorf("still it says %s", class)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := sampled(two, 1).Fit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func changed(subjects []models.Subject, change func(*models.Subject)) []models.Subject {
	subjects = slices.Clone(subjects)
	for i := range subjects {
		change(&subjects[i])
	}
	return subjects
}

// The order in which workloads come changes nothing, another seed may.
func TestFitIsDeterministic(t *testing.T) {
	subjects := append(cousins(30, .4), rings(40)...)
	encoded := func(subjects []models.Subject, seed uint64) string {
		c, e := fit(t, subjects, seed)
		files, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		judged, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(files[fileName]) + string(judged)
	}
	first := encoded(subjects, 7)
	slices.Reverse(subjects)
	if encoded(subjects, 7) != first {
		t.Error("the order of the workloads shows")
	}
	if encoded(subjects, 8) == first {
		t.Error("the seed does not show")
	}
}

func TestSamplerIsBounded(t *testing.T) {
	b := NewSampler(1)
	for app := range 3 * perClass {
		for member := range perApp + 4 {
			b.Add(&models.Subject{ID: fmt.Sprint(app, "-", member), App: fmt.Sprint(app), Class: "c", Limits: resource.Of(1, 1)})
		}
	}
	if n := len(b.classes["c"]); n > 2*perClass {
		t.Errorf("%d apps are kept", n)
	}
	for app, kept := range b.classes["c"] {
		if len(kept) > perApp {
			t.Errorf("%d of app %s are kept", len(kept), app)
		}
	}
	apps := map[string]bool{}
	examples := b.examples()
	for _, e := range examples {
		apps[e.app] = true
	}
	if len(examples) != perClass || len(apps) != perClass {
		t.Errorf("%d examples of %d apps, want %d of as many", len(examples), len(apps), perClass)
	}
}

// An app is never on both sides.
func TestFoldsKeepAppsTogether(t *testing.T) {
	var cases []labelled
	for i := range 100 {
		cases = append(cases, labelled{app: fmt.Sprint(i % 17), label: i % 3})
	}
	fold := foldsOf(cases)
	if len(fold) != 17 {
		t.Errorf("%d apps dealt", len(fold))
	}
	size := map[int]int{}
	for _, f := range fold {
		size[f]++
	}
	for f := range folds {
		if size[f] < 3 || size[f] > 4 {
			t.Errorf("fold %d has %d of 17 apps", f, size[f])
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	subjects := append(cousins(30, .4), rings(40)...)
	c, _ := fit(t, subjects, 1)
	var want []workload.Class
	for i := range subjects {
		class, _ := c.Vote(&subjects[i])
		want = append(want, class)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range subjects {
				if class, _ := c.Vote(&subjects[i]); class != want[i] {
					t.Errorf("%s at once with others, %s alone", class, want[i])
				}
			}
		})
	}
	wg.Wait()
}
