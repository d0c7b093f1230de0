package classify

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Recorded arrivals say what was asked for, and what it turned out to be: how
// well does the one tell the other? least is of the answered cases that are told
// right, 0 where requests tell next to nothing, which must be noticed.
func TestRecordedArrivals(t *testing.T) {
	for _, x := range []struct {
		format, file string
		class        func(datasets.Arrival) workload.Class
		app          func(datasets.Arrival) string
		least        float64
	}{
		// Kubernetes classes of service; pods that ask for the same are one app.
		{"openb", "alibaba-gpu-2023/openb_pod_list_default.csv", qos, sameShape, .75},
		{"swf", "swf/metacentrum-wagap-2013.swf.gz", lifetime, owner, 0},
		{"swf", "swf/NASA-iPSC-1993-3.1-cln.swf.gz", lifetime, owner, 0},
	} {
		t.Run(x.file, func(t *testing.T) {
			ref, err := datasets.ParseRef(x.format + ":" + sharedtest.Data(t, x.file))
			if err != nil {
				t.Fatal(err)
			}
			trace, err := datasets.OpenFleet(ref, datasets.Options{})
			if err != nil {
				t.Fatal(err)
			}
			b := NewSampler(1)
			for a, err := range trace.Arrivals(t.Context()) {
				if row := (*datasets.RowError)(nil); errors.As(err, &row) {
					continue // some run times are negative
				} else if err != nil {
					t.Fatal(err)
				}
				s := models.Describe(&a.Workload, nil)
				if d := a.Workload.Accelerator; d.Devices > 0 {
					s.Limits = s.Limits.With(resource.GPU, float64(d.Devices)*d.PerDevice())
				}
				s.Class, s.App = x.class(a), x.app(a)
				b.Add(&s)
			}
			_, e, err := b.Fit(t.Context())
			if err != nil || len(e.Spaces) != 2 {
				t.Fatalf("%+v, %v", e, err)
			}
			s := e.Spaces[1]
			t.Logf("%d cases of %d apps, %.1f %% answered, used %v, %s", s.Cases, e.Apps, 100*s.Answered, s.Used, s.Why)
			for _, c := range s.Classes {
				t.Logf("  %-12s %4d cases, told %v, precision %.3f, recall %.3f", c.Class, c.Cases, c.Told, c.Precision, c.Recall)
			}
			if e.Spaces[0].Used || s.Cases < 100 {
				t.Errorf("%+v", e)
			}
			if s.Used != (s.Neighbours.Answered > max(s.Majority.Answered, s.Centroid.Answered)) || s.Used && s.Neighbours.Answered < x.least {
				t.Errorf("used %v: %s", s.Used, s.Why)
			}
		})
	}
}

func qos(a datasets.Arrival) workload.Class { return workload.Class(a.Workload.Labels["qos"]) }

func sameShape(a datasets.Arrival) string {
	return fmt.Sprint(a.Workload.Requests, a.Workload.Accelerator.Devices, a.Workload.Accelerator.Share)
}

func owner(a datasets.Arrival) string { return a.Workload.Owner }

// lifetime sorts by run time into the buckets of Resource Central (Cortez et
// al., SOSP 2017).
func lifetime(a datasets.Arrival) workload.Class {
	run, err := time.ParseDuration(a.Workload.Labels["run_seconds"] + "s")
	switch {
	case err != nil:
		return ""
	case run <= 15*time.Minute:
		return "15 min"
	case run <= time.Hour:
		return "1 h"
	case run <= 24*time.Hour:
		return "1 day"
	}
	return "longer"
}
