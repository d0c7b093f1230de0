package training

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/timeseries"
)

// No forecast of one part is about time in the next, whatever the length.
func TestPartsAreASpanApart(t *testing.T) {
	o, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := start.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "from")) * time.Second)
		to := from.Add(time.Duration(rapid.IntRange(0, 120*24).Draw(t, "hours")) * time.Hour)
		s, why, ok := newSplit(timeseries.Window{From: from, To: to}, o)
		if !ok {
			if why == "" || to.Sub(from) > 6*24*time.Hour {
				t.Fatalf("%v of history refused because %q", to.Sub(from), why)
			}
			return
		}
		parts := [3]func(time.Time) bool{s.trains, s.calibrates, s.judges}
		var first, last [3]time.Time
		for at := s.whole.From; at.Before(s.whole.To); at = at.Add(o.Grid.Slot) {
			in := 0
			for i, part := range parts {
				if !part(at) {
					continue
				}
				in++
				if first[i].IsZero() {
					first[i] = at
				}
				last[i] = at
			}
			if in > 1 {
				t.Fatalf("%v is in %d parts", at, in)
			}
		}
		for i := range parts {
			if first[i].IsZero() {
				t.Fatalf("part %d of %v is empty", i, to.Sub(from))
			}
			if i > 0 && first[i].Sub(last[i-1]) < s.span {
				t.Fatalf("between parts %d and %d lie %v", i-1, i, first[i].Sub(last[i-1]))
			}
		}
		if s.whole.Duration() > o.Window {
			t.Fatalf("a window of %v", s.whole.Duration())
		}
	})
}

// A sample of years ago, as a clock not yet set leaves it, makes no long history of a
// short one.
func TestPlanWithASampleOfLongAgo(t *testing.T) {
	o, err := quick(Options{}).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	plain := fleet(4, 0, 8)
	long := plain[0]
	long.Time = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	newest := func(newest time.Time, _ time.Duration) time.Time { return newest }
	want, _, _, err := newPlan(t.Context(), plain, o, newest)
	if err != nil {
		t.Fatal(err)
	}
	got, why, ok, err := newPlan(t.Context(), append(samples{long}, plain...), o, newest)
	if err != nil || !ok || got.split != want.split {
		t.Errorf("%+v, %s, %v; want %+v", got.split, why, err, want.split)
	}
}
