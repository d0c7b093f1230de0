package serving

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// bySize puts a classifier in service that was taught small services and large
// batch, and returns its id.
func bySize(t testing.TB, r *registry.Registry) string {
	t.Helper()
	var subjects []models.Subject
	for i := range 60 {
		size := float64(1 + i%5)
		subjects = append(subjects,
			models.Subject{ID: fmt.Sprint("s", i), Class: workload.Stream, Limits: resource.Of(size, size*(1<<30))},
			models.Subject{ID: fmt.Sprint("g", i), Class: workload.MLTraining, Limits: resource.Of(size, size*(1<<30)).With(resource.GPU, 1)},
			models.Subject{ID: fmt.Sprint("b", i), Class: workload.Batch, Limits: resource.Of(16*size, 16*size*(1<<30))})
	}
	sampler := classify.NewSampler(1)
	for i := range subjects {
		sampler.Add(&subjects[i])
	}
	c, judged, err := sampler.Fit(t.Context())
	if err != nil || !judged.Useful() {
		t.Fatalf("%+v, %v", judged, err)
	}
	files, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Save(registry.Meta{Kind: registry.Classifier, Rows: len(subjects)}, files)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Promote(registry.ClassifierRole, m.ID, "for a test"); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestTheChampionTellsClasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := registry.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := &shelf{}
		s.hours("unlabelled", "", epoch, 48, func(int) float64 { return 1 })
		table := newTable(t, s, func(o *Options) { o.Registry = r })
		refresh := func() {
			t.Helper()
			if err := table.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		small := workload.Workload{ID: "small", Requests: resource.Of(2, 2<<30)}
		large := workload.Workload{ID: "large", Requests: resource.Of(32, 32<<30)}
		gpu := workload.Workload{ID: "gpu", Requests: resource.Of(2, 2<<30), Accelerator: workload.Accelerator{Devices: 1}}

		refresh()
		if got := table.Classify(&large); got != workload.Service {
			t.Errorf("without a classifier the class is %s, want the fallback", got)
		}
		id := bySize(t, r)
		refresh()
		for _, c := range []struct {
			w    workload.Workload
			want workload.Class
		}{
			{small, workload.Stream}, {large, workload.Batch}, {gpu, workload.MLTraining},
			{workload.Workload{ID: "large", Class: workload.Cron, Requests: large.Requests}, workload.Cron},
			{workload.Workload{ID: "silent"}, workload.Service},
		} {
			if got := table.Classify(&c.w); got != c.want {
				t.Errorf("class of %s is %s, want %s", c.w.ID, got, c.want)
			}
		}
		// The limit of its samples is 4 cores: small.
		if _, class, ok := table.ByID("unlabelled"); !ok || class != workload.Stream {
			t.Errorf("a workload with history is forecast as %q, %v", class, ok)
		}

		if _, err := r.Rollback(registry.ClassifierRole, "back"); err == nil {
			t.Error("rolled back to nothing")
		}
		if err := r.Promote(registry.ClassifierRole, "", "out"); err != nil {
			t.Fatal(err)
		}
		refresh()
		if got := table.Classify(&large); got != workload.Service {
			t.Errorf("with the classifier out of service the class is %s", got)
		}
		if _, err := r.Rollback(registry.ClassifierRole, "back"); err != nil {
			t.Fatal(err)
		}
		refresh()
		if got := table.Classify(&large); got != workload.Batch {
			t.Errorf("with %s back the class is %s", id, got)
		}
	})
}

func TestACorruptClassifierFallsBackLoudly(t *testing.T) {
	r, err := registry.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := bySize(t, r)
	if err := os.Truncate(filepath.Join(r.Dir(), id, "classifier.knn"), 99); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	table := newTable(t, &shelf{}, func(o *Options) {
		o.Registry = r
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 3 {
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := table.Classify(&workload.Workload{ID: "w", Requests: resource.Of(32, 32<<30)}); got != workload.Service {
		t.Errorf("by a corrupt classifier the class is %s", got)
	}
	if n := strings.Count(log.String(), "champion of classifier falls back"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}

	// Put right, it serves again.
	bySize(t, r)
	if err := table.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := table.Classify(&workload.Workload{ID: "w", Requests: resource.Of(32, 32<<30)}); got != workload.Batch {
		t.Errorf("by a new classifier the class is %s", got)
	}
}

// What is remembered of a shape is what would be told anew, for more shapes than
// are remembered.
func TestClassesAreRemembered(t *testing.T) {
	r, err := registry.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bySize(t, r)
	table := newTable(t, &shelf{}, func(o *Options) { o.Registry = r })
	if err := table.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := table.current.Load()
	p.classCount.Store(maxClasses - 40)
	for range 2 {
		for i := range 80 {
			w := workload.Workload{ID: fmt.Sprint(i), Requests: resource.Of(float64(1+i), float64(1+i)*(1<<30))}
			s := asked(&w)
			want, ok := p.classifier.Classify(&s)
			if !ok {
				want = workload.Service
			}
			if got := table.Classify(&w); got != want {
				t.Fatalf("class of shape %d is %s, want %s", i, got, want)
			}
		}
	}
	kept := 0
	p.classes.Range(func(any, any) bool { kept++; return true })
	if kept != 40 {
		t.Errorf("%d shapes are remembered, want 40", kept)
	}
}

// BenchmarkClassify tells the class of a workload never seen: of a shape that is
// asked for again, and of one that is new.
func BenchmarkClassify(b *testing.B) {
	r, err := registry.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	bySize(b, r)
	table := newTable(b, &shelf{}, func(o *Options) { o.Registry = r })
	if err := table.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	w := workload.Workload{ID: "large", Requests: resource.Of(32, 32<<30)}
	if got := table.Classify(&w); got != workload.Batch {
		b.Fatalf("class %s", got)
	}
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			table.Classify(&w)
		}
	})
	b.Run("new", func(b *testing.B) {
		p := table.current.Load()
		p.classCount.Store(maxClasses)
		for b.Loop() {
			w.Requests = w.Requests.With(resource.CPU, w.Requests.Get(resource.CPU)+.001)
			table.Classify(&w)
		}
	})
}
