package classify

import (
	"math"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

func TestUsagePoint(t *testing.T) {
	limits := resource.Of(4, 8<<30)
	at := func(name string, s models.Subject) float64 {
		p, ok := usagePoint(&s, endOfTime)
		i := slices.Index(usageColumns(), name)
		if !ok || len(p) != len(usageColumns()) {
			t.Fatalf("%s: a point of %d columns, %v", name, len(p), ok)
		}
		return p[i]
	}
	sine := func(h int) float64 { return .5 + .4*math.Sin(2*math.Pi*float64(h)/24) }
	weekly := func(h int) float64 {
		if h/24%7 >= 5 {
			return .1
		}
		return .4
	}
	for _, c := range []struct {
		column    string
		hours     int
		cpu       func(int) float64
		want, off float64
	}{
		{"log2_cores", 48, sine, 2, 0},
		{"log2_memory_gib", 48, sine, 3, 0},
		{"log2_gib_per_core", 48, sine, 1, 0},
		{"cpu_mean", 48, sine, .5, .01},
		{"cpu_yesterday", 72, sine, 1, .001},
		{"cpu_yesterday", 20, sine, math.NaN(), 0},
		{"cpu_day_night", 48, sine, 2.6, .5},
		{"cpu_day_night", 20, sine, math.NaN(), 0},
		{"cpu_day_night", 48, func(int) float64 { return .3 }, 0, .001},
		{"cpu_variation", 48, func(int) float64 { return .3 }, 0, .001},
		{"cpu_idle", 48, func(h int) float64 { return float64(h % 2) }, .5, 0},
		{"cpu_weekend", 14 * 24, weekly, -2, .05},
		{"cpu_weekend", 48, weekly, math.NaN(), 0},
		{"cpu_next", 48, func(h int) float64 { return float64(h % 2) }, -1, .001},
		{"memory_mean", 48, sine, .5, .001},
		{"memory_trend", 48, sine, 0, 0},
		{"gpu_mean", 48, sine, math.NaN(), 0},
		{"log2_hours", 32, sine, 5, 0},
	} {
		got := at(c.column, subject("w", "a", "", limits, c.hours, c.cpu))
		if math.IsNaN(c.want) != math.IsNaN(got) || math.Abs(got-c.want) > c.off {
			t.Errorf("%s over %d hours is %g, want %g", c.column, c.hours, got, c.want)
		}
	}

	// What is twice as large in everything behaves the same.
	small, large := subject("w", "a", "", limits, 96, sine), subject("w", "a", "", limits.Scale(2), 96, sine)
	p, _ := usagePoint(&small, endOfTime)
	q, _ := usagePoint(&large, endOfTime)
	for i, name := range usageColumns() {
		if i >= 2 && math.Abs(p[i]-q[i]) > 1e-6 { // the first two are its size
			t.Errorf("%s is %g, of twice the size %g", name, p[i], q[i])
		}
	}
	if _, ok := usagePoint(&models.Subject{Limits: limits}, endOfTime); ok {
		t.Error("a workload never seen has behaved")
	}
	if _, ok := requestPoint(&models.Subject{}); ok {
		t.Error("a workload that said nothing asks for something")
	}
}
