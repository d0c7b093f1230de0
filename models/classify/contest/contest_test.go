package contest

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func job(id int, owner string, arrive time.Time, run time.Duration) datasets.Arrival {
	a := datasets.Arrival{Arrive: arrive, Workload: workload.Workload{
		ID: "job-" + strconv.Itoa(id), Owner: owner, App: owner, Class: workload.Batch,
		Requests: resource.Of(1, 1<<30),
	}}
	if run > 0 {
		a.Depart = arrive.Add(run)
	}
	return a
}

func read(t testing.TB, list ...datasets.Arrival) *Arrivals {
	t.Helper()
	a, err := ReadArrivals(func(yield func(datasets.Arrival, error) bool) {
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}, func(error) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		b    Buckets
		x    float64
		want string
	}{
		{lifetimes(), 1, "<=15m"}, {lifetimes(), 900, "<=15m"}, {lifetimes(), 901, "<=1h"}, {lifetimes(), 86400, "<=24h"}, {lifetimes(), 1e7, ">24h"},
		{deployments(), 1, "1"}, {deployments(), 2, "2-10"}, {deployments(), 10, "2-10"}, {deployments(), 100, "11-100"}, {deployments(), 101, ">100"},
		{utilisations(), 0, "<=25%"}, {utilisations(), .25, "<=25%"}, {utilisations(), 1, ">75%"},
		{Buckets{Names: []string{"a", "b"}}, 1, "b"},
	} {
		if got := c.b.Names[c.b.of(c.x)]; got != c.want {
			t.Errorf("%v is in %s, want %s", c.x, got, c.want)
		}
	}
}

// What is known of a case is what had ended before it was asked.
func TestJobsKnowOnlyThePast(t *testing.T) {
	a := read(t,
		job(1, "ann", noon, 2*time.Hour),
		job(2, "ann", noon.Add(time.Hour), 10*time.Minute),
		job(3, "ann", noon.Add(70*time.Minute), time.Minute), // job 2 ends now, job 1 runs
		job(4, "bob", noon.Add(3*time.Hour), time.Minute),
		job(5, "ann", noon.Add(3*time.Hour), time.Minute),
	)
	q := a.Lifetime()
	at := func(job int, column string) float64 { return q.Cases[job-1].Features[slices.Index(q.Columns, column)] }
	for _, c := range []struct {
		job    int
		column string
		want   float64
	}{
		{1, "owner_last", math.NaN()}, {1, "owner_running", math.NaN()},
		{2, "owner_last", math.NaN()}, {2, "owner_running", 1}, {2, "owner_running_hours", logHours(time.Hour)},
		{3, "owner_last", math.Log2(600)}, {3, "owner_last_2", math.NaN()}, {3, "owner_share_<=15m", 1},
		{4, "owner_last", math.NaN()}, {4, "shape_last", math.Log2(7200)},
		{5, "owner_last", math.Log2(7200)}, {5, "owner_last_2", math.Log2(60)}, {5, "owner_running", 0},
	} {
		if got := at(c.job, c.column); math.Abs(got-c.want) > 1e-9 || (got != got) != (c.want != c.want) {
			t.Errorf("job %d: %s is %v, want %v", c.job, c.column, got, c.want)
		}
	}
	for job, want := range []int{-1, -1, 0, -1, 2} {
		if got := q.Cases[job].Last; got != want {
			t.Errorf("job %d: last is %d, want %d", job+1, got, want)
		}
	}
}

// The future of a trace changes nothing about the cases before it.
func TestFutureChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list []datasets.Arrival
		at := noon
		for i := range rapid.IntRange(1, 40).Draw(rt, "jobs") {
			at = at.Add(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "gap")) * time.Second)
			run := time.Duration(rapid.IntRange(1, 200000).Draw(rt, "run")) * time.Second
			list = append(list, job(i, rapid.SampledFrom([]string{"ann", "bob", ""}).Draw(rt, "owner"), at, run))
		}
		cut := rapid.IntRange(1, len(list)).Draw(rt, "cut")
		whole, part := read(t, list...).Lifetime(), read(t, list[:cut]...).Lifetime()
		for i, c := range part.Cases {
			w := whole.Cases[i]
			if c.Last != w.Last || c.Truth != w.Truth || !sameFloats(c.Features, w.Features) {
				rt.Fatalf("case %d of %d: %+v, in the whole trace %+v", i, cut, c, w)
			}
			if c.Known.Before(c.Asked) {
				rt.Fatalf("case %d is known before it is asked", i)
			}
		}
	})
}

func sameFloats(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || x != x && y != y })
}

func TestStillRunningOutlivesOrIsDropped(t *testing.T) {
	a := read(t,
		job(1, "ann", noon, 0),                               // runs for more than a day at the end
		job(2, "ann", noon.Add(40*time.Hour), 8*time.Hour),   // the trace ends with it
		job(3, "ann", noon.Add(41*time.Hour), 0),             // nobody knows
		job(4, "ann", noon.Add(47*time.Hour), 5*time.Minute), // short
	)
	q := a.Lifetime()
	if q.Dropped != 1 || len(q.Cases) != 3 || !q.Cases[0].Least || q.Buckets.Names[q.Cases[0].Truth] != ">24h" {
		t.Errorf("%d dropped, %+v", q.Dropped, q.Cases)
	}
	if want := noon.Add(24 * time.Hour); !q.Cases[0].Known.Equal(want) {
		t.Errorf("known at %v, want %v", q.Cases[0].Known, want)
	}
}

func TestDeploymentIsAskedOnce(t *testing.T) {
	var list []datasets.Arrival
	for i := range 12 {
		list = append(list, job(i, "ann", noon.Add(time.Duration(i)*time.Minute), time.Hour))
	}
	list = append(list, job(20, "bob", noon.Add(time.Hour), time.Hour), job(21, "late", noon.Add(80*time.Hour), time.Hour))
	q := read(t, list...).Deployment()
	if len(q.Cases) != 2 || q.Dropped != 1 || q.Cases[0].Value != 12 || q.Cases[1].Value != 1 {
		t.Errorf("%d dropped, %+v", q.Dropped, q.Cases)
	}
	if !q.Cases[0].Asked.Equal(noon) {
		t.Errorf("asked at %v", q.Cases[0].Asked)
	}
}

// habits draws jobs of owners that each have a usual run time, which a tenth of
// the jobs breaks.
func habits(n int) []datasets.Arrival {
	rng := rand.New(rand.NewPCG(1, 2))
	var list []datasets.Arrival
	for i := range n {
		owner := rng.IntN(30)
		usual := []time.Duration{5 * time.Minute, 40 * time.Minute, 10 * time.Hour, 40 * time.Hour}[owner%4]
		if rng.IntN(10) == 0 {
			usual = 5 * time.Minute
		}
		list = append(list, job(i, fmt.Sprint("user-", owner), noon.Add(time.Duration(i)*20*time.Minute), time.Duration(float64(usual)*(.8+.4*rng.Float64()))))
	}
	return list
}

func TestHabitsAreLearned(t *testing.T) {
	v, err := Judge(t.Context(), read(t, habits(1500)...).Lifetime(), Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	right := map[string]Score{}
	for _, s := range v.Contestants {
		right[s.Name] = s
		cases := 0
		for _, row := range s.Confusion {
			for _, n := range row {
				cases += n
			}
		}
		if cases != v.Tested {
			t.Errorf("%s: %d cases counted of %d", s.Name, cases, v.Tested)
		}
	}
	for _, name := range []string{"neighbours", "trees"} {
		if s := right[name]; s.Accuracy < right["last"].Accuracy || s.Accuracy < right["majority"].Accuracy+.3 || s.Answered < .5 || s.AnsweredAccuracy < s.Accuracy {
			t.Errorf("%s: %+v; last %v, majority %v", name, s, right["last"].Accuracy, right["majority"].Accuracy)
		}
	}
	if v.Chosen == "majority" || v.Chosen == "last" {
		t.Errorf("%s is chosen", v.Chosen)
	}
	again, err := Judge(t.Context(), read(t, habits(1500)...).Lifetime(), Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range again.Contestants {
		if s.Accuracy != v.Contestants[i].Accuracy || s.Answered != v.Contestants[i].Answered {
			t.Errorf("%s differs the second time", s.Name)
		}
	}
}

func TestTooFewCases(t *testing.T) {
	_, err := Judge(t.Context(), read(t, habits(100)...).Lifetime(), Options{})
	if !errors.As(err, new(TooFewError)) {
		t.Errorf("%v", err)
	}
}

func TestClassOfItsOwnIsNotUsed(t *testing.T) {
	list := habits(300)
	for i := range list {
		if i%2 == 0 {
			list[i].Workload.Class = workload.Service
		}
	}
	q := read(t, list...).Class()
	if len(q.Buckets.Names) != 2 || len(q.Cases) != 300 {
		t.Fatalf("%v, %d cases", q.Buckets.Names, len(q.Cases))
	}
	list[299].Workload.Class = workload.Service
	other := read(t, list...).Class()
	if !sameFloats(q.Cases[299].Features, other.Cases[299].Features) {
		t.Error("what a workload says of itself is among its features")
	}
}

func TestSharesBelow(t *testing.T) {
	values := []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for x, want := range map[float32]float64{-1: 0, 0: .05, .5: .1, 4: .45, 9: 1, 20: 1} {
		if got := shareBelow(values, x); math.Abs(got-want) > 1e-6 {
			t.Errorf("below %v: %v, want %v", x, got, want)
		}
	}
	same := []float32{3, 3, 3, 3, 3, 3, 3, 3, 3, 3}
	if shareBelow(same, 2.9) != 0 || shareBelow(same, 3) != 1 {
		t.Error("a value that always comes is not told surely")
	}
}

// A span is asked about before it begins, from the spans before it.
func TestSpans(t *testing.T) {
	var samples []timeseries.Sample
	day := noon.Truncate(24 * time.Hour)
	for i := range 3 * 24 {
		used := []float64{.5, 3, 1}[i/24]
		samples = append(samples, timeseries.Sample{
			Key: timeseries.Key{Workload: "vm"}, Time: day.Add(time.Duration(i+1) * time.Hour),
			Usage: resource.Of(used, 0), Limit: resource.Of(4, 0),
		})
	}
	s, err := ReadSpans(seq(samples), resource.CPU, 24*time.Hour, func(error) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	qs := s.Utilisation(resource.CPU)
	if len(qs) != 2 || qs[0].Name != "cpu_mean" || qs[1].Name != "cpu_p95" {
		t.Fatalf("%+v", qs)
	}
	q := qs[0]
	yesterday := slices.Index(q.Columns, "mean_1")
	for i, want := range []struct {
		truth, last int
		yesterday   float64
	}{{0, -1, math.NaN()}, {2, 0, .125}, {0, 2, .75}} {
		c := q.Cases[i]
		if c.Truth != want.truth || c.Last != want.last || !sameFloats(c.Features[yesterday:yesterday+1], []float64{want.yesterday}) {
			t.Errorf("day %d: %+v", i, c)
		}
		if !c.Asked.Equal(day.AddDate(0, 0, i)) || !c.Known.Equal(day.AddDate(0, 0, i+1)) || len(c.Features) != len(q.Columns) {
			t.Errorf("day %d: asked %v, known %v", i, c.Asked, c.Known)
		}
	}
}

func seq(samples []timeseries.Sample) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Run times of recorded jobs: what is learned beats the largest class and the
// owner's last job.
func TestRecordedJobs(t *testing.T) {
	for _, file := range []string{"swf/metacentrum-wagap-2013.swf.gz", "swf/NASA-iPSC-1993-3.1-cln.swf.gz"} {
		t.Run(file, func(t *testing.T) {
			ref, err := datasets.ParseRef("swf:" + sharedtest.Data(t, file))
			if err != nil {
				t.Fatal(err)
			}
			f, err := datasets.OpenFleet(ref, datasets.Options{})
			if err != nil {
				t.Fatal(err)
			}
			a, err := ReadArrivals(f.Arrivals(t.Context()), func(err error) bool { return errors.As(err, new(*datasets.RowError)) })
			if err != nil {
				t.Fatal(err)
			}
			a.list = a.list[:2500] // the whole takes half a minute
			v, err := Judge(t.Context(), a.Lifetime(), Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			var chosen, simple float64
			for _, s := range v.Contestants {
				t.Logf("%-10s %.3f right, %.3f sure, of these %.3f right", s.Name, s.Accuracy, s.Answered, s.AnsweredAccuracy)
				if s.Name == v.Chosen {
					chosen = s.Accuracy
				}
				if s.Name == "majority" || s.Name == "last" {
					simple = max(simple, s.Accuracy)
				}
			}
			if chosen < simple {
				t.Errorf("%s is chosen: %.3f right, a yardstick %.3f", v.Chosen, chosen, simple)
			}
		})
	}
}
