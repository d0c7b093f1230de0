package datasets

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"pgregory.net/rapid"
)

func sameSample(a, b timeseries.Sample) bool {
	return a.Key == b.Key && a.Time.Equal(b.Time) && a.Usage.Equal(b.Usage) && a.Limit.Equal(b.Limit)
}

// TestSortByTime compares runs of a few samples with a stable sort in memory.
func TestSortByTime(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var given []timeseries.Sample
		for range rapid.IntRange(0, 60).Draw(t, "samples") {
			s := timeseries.Sample{
				Key:  timeseries.Key{Workload: rapid.StringMatching(`[ab]`).Draw(t, "workload"), Source: "x"},
				Time: time.UnixMilli(rapid.Int64Range(1, 20).Draw(t, "time")).UTC(),
			}
			for _, n := range []resource.Name{resource.CPU, resource.Memory, "licences"} {
				if rapid.Bool().Draw(t, "measured") {
					s.Usage = s.Usage.With(n, rapid.Float64().Draw(t, "usage"))
				}
				if rapid.Bool().Draw(t, "limited") {
					s.Limit = s.Limit.With(n, rapid.Float64().Draw(t, "limit"))
				}
			}
			given = append(given, s)
		}
		want := slices.Clone(given)
		slices.SortStableFunc(want, func(a, b timeseries.Sample) int { return a.Time.Compare(b.Time) })
		var got []timeseries.Sample
		samples := func(yield func(timeseries.Sample, error) bool) {
			for _, s := range given {
				if !yield(s, nil) {
					return
				}
			}
		}
		sortByTime(context.Background(), samples, dir, rapid.IntRange(1, 10).Draw(t, "run"), func(s timeseries.Sample, err error) bool {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s)
			return true
		})
		if !slices.EqualFunc(got, want, sameSample) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestByTime(t *testing.T) {
	var times []string
	for s, err := range openUsage(t, "bitbrains:testdata/bitbrains-compact").ByTime(context.Background(), t.TempDir()) {
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, s.Time.Format("02 15:04 ")+s.Key.Workload)
	}
	want := "30 21:55 vm-1, 30 21:55 vm-2, 30 21:55 vm-3, 30 22:00 vm-1, 30 22:00 vm-3, 30 22:15 vm-2, 01 00:00 vm-1"
	if got := strings.Join(times, ", "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, err := range openUsage(t, "csv:testdata/csv").ByTime(context.Background(), "testdata/none") {
		if err == nil || !strings.HasPrefix(err.Error(), "sort by time: ") {
			t.Errorf("no folder: %v", err)
		}
	}
	rows, samples := 0, 0
	for _, err := range openUsage(t, "gcd-vms:testdata/gcd").ByTime(context.Background(), t.TempDir()) {
		if row := (*RowError)(nil); errors.As(err, &row) {
			rows++
		} else if err != nil {
			t.Fatal(err)
		} else {
			samples++
		}
	}
	if rows != 1 || samples != 2 {
		t.Errorf("%d bad rows, %d samples", rows, samples)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for _, err := range openUsage(t, "planetlab:testdata/planetlab-packed").ByTime(ctx, t.TempDir()) {
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		n++
		cancel()
	}
	if n == 0 {
		t.Error("nothing read")
	}
}

func TestRealByTime(t *testing.T) {
	u := openUsage(t, "planetlab:"+sharedtest.Data(t, "planetlab/20110303.csv.gz"))
	var last time.Time
	n := 0
	for s, err := range u.ByTime(context.Background(), t.TempDir()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Time.Before(last) {
			t.Fatalf("%v after %v", s.Time, last)
		}
		last = s.Time
		n++
	}
	if want := 1052 * 288; n != want {
		t.Errorf("%d samples, want %d", n, want)
	}
}
