package timeseries_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/timeseries"
)

var noon = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func TestWindow(t *testing.T) {
	before, at, inside, end, after := noon.Add(-1), noon, noon.Add(time.Minute), noon.Add(time.Hour), noon.Add(2*time.Hour)
	for _, c := range []struct {
		w    timeseries.Window
		want [5]bool // before, at, inside, end, after
		long time.Duration
	}{
		{timeseries.Window{}, [5]bool{true, true, true, true, true}, 0},
		{timeseries.Window{From: at}, [5]bool{false, true, true, true, true}, 0},
		{timeseries.Window{To: end}, [5]bool{true, true, true, false, false}, 0},
		{timeseries.Window{From: at, To: end}, [5]bool{false, true, true, false, false}, time.Hour},
		{timeseries.Window{From: at.In(time.FixedZone("CET", 3600)), To: end}, [5]bool{false, true, true, false, false}, time.Hour},
	} {
		for i, x := range []time.Time{before, at, inside, end, after} {
			if got := c.w.Contains(x); got != c.want[i] {
				t.Errorf("%v contains %v: %t", c.w, x, got)
			}
		}
		if err := c.w.Validate(); err != nil {
			t.Errorf("%v: %v", c.w, err)
		}
		if d := c.w.Duration(); d != c.long {
			t.Errorf("%v is %v long, want %v", c.w, d, c.long)
		}
	}
	for _, bad := range []timeseries.Window{{From: at, To: at}, {From: end, To: at}} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), "is not before to 2024-02-29T12:00:00Z") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestWindowOfAges(t *testing.T) {
	w := timeseries.Window{From: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	if d := w.Duration(); d != math.MaxInt64 || !w.Contains(noon) || w.Validate() != nil {
		t.Errorf("%v is %v long", w, d)
	}
}
