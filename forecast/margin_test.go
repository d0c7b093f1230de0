package forecast

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
)

func TestPeak(t *testing.T) {
	tests := []struct {
		name                          string
		profile, peak, limit, q, want float32
	}{
		{"no margin is the sum of profiles", 4, 10, 100, 0, 4},
		{"full margin is the sum of peaks and a little", 4, 10, 100, 1, 11},
		{"half way", 4, 10, 100, .5, 7.5},
		{"never over the limits", 4, 10, 10, 1, 10},
		{"never over the limits, however large the margin", 4, 10, 20, 50, 20},
		{"profile and peak coincide: the floor moves it", 10, 10, 100, 1, 11},
		{"limits unknown", 4, 10, 0, 1, 10},
		{"limits unknown, over the peaks", 4, 10, 0, 2, 16},
		{"profile over the peak", 12, 10, 100, 1, 13},
		{"nothing", 0, 0, 0, 1, 0},
		{"flat at the limit", 5, 5, 5, 1, 5},
	}
	for _, test := range tests {
		if got := Peak(test.profile, test.peak, test.limit, test.q); math.Abs(float64(got-test.want)) > 1e-6 {
			t.Errorf("%s: %g, want %g", test.name, got, test.want)
		}
	}
}

// A peak is at least the profile and at most the limit, rises with the margin, and
// up to margin 1 rises with the profile: the bounds placement prunes by.
func TestPeakProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		profile := rapid.Float32Range(0, 100).Draw(t, "profile")
		peak := profile + rapid.Float32Range(0, 100).Draw(t, "above")
		limit := peak + rapid.Float32Range(0, 100).Draw(t, "room")
		q := rapid.Float32Range(0, 3).Draw(t, "q")
		const rounding = 1e-3
		p := Peak(profile, peak, limit, q)
		if p < profile-rounding || p > limit+rounding {
			t.Fatalf("%g is not between the profile and the limit", p)
		}
		if more := Peak(profile, peak, limit, q+rapid.Float32Range(0, 1).Draw(t, "more")); more < p-rounding {
			t.Fatalf("a larger margin gives %g, less than %g", more, p)
		}
		higher := min(profile+rapid.Float32Range(0, 10).Draw(t, "higher"), limit)
		if q <= 1 && Peak(higher, peak, limit, q) < p-rounding {
			t.Fatalf("a higher profile gives %g, less than %g", Peak(higher, peak, limit, q), p)
		}
	})
}

func TestMarginsAt(t *testing.T) {
	m := Margins{Bands: []Band{
		{Resource: resource.CPU, MaxMembers: 40, Points: []Point{{.1, .05}, {.01, .4}}},
		{Resource: resource.CPU, MaxMembers: 10, Points: []Point{{.1, .1}, {.01, .6}}},
		{Resource: resource.Memory, MaxMembers: 10, Points: []Point{{.01, 1.5}}},
	}}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		resource resource.Name
		members  int
		risk     float64
		want     float32
	}{
		{"as calibrated", resource.CPU, 10, .01, .6},
		{"fewer members", resource.CPU, 1, .01, .6},
		{"the next band", resource.CPU, 11, .01, .4},
		{"its end", resource.CPU, 40, .1, .05},
		{"past all bands", resource.CPU, 1000, .1, .05},
		{"between risks: the safer", resource.CPU, 10, .05, .6},
		{"a larger risk", resource.CPU, 10, .5, .1},
		{"a smaller risk than calibrated", resource.CPU, 10, .001, 1},
		{"a smaller risk, the largest margin over 1", resource.Memory, 10, .001, 1.5},
		{"never calibrated", resource.Disk, 10, .01, 1},
	}
	for _, test := range tests {
		if got := m.At(test.resource, test.members, test.risk); got != test.want {
			t.Errorf("%s: %g, want %g", test.name, got, test.want)
		}
	}
	if got := (Margins{}).At(resource.CPU, 5, .01); got != 1 {
		t.Errorf("without calibration %g, want 1", got)
	}
}

// A smaller risk never has the smaller margin.
func TestMarginsFallWithRisk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []Point
		risk, q := .5, float32(0)
		for range rapid.IntRange(0, 5).Draw(t, "points") {
			risk *= rapid.Float64Range(.1, .9).Draw(t, "fall")
			q += rapid.Float32Range(0, 1).Draw(t, "rise")
			points = append(points, Point{risk, q})
		}
		m := Margins{Bands: []Band{{Resource: resource.CPU, MaxMembers: 10, Points: points}}}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		a := rapid.Float64Range(1e-6, 1).Draw(t, "risk")
		b := rapid.Float64Range(1e-6, a).Draw(t, "smaller risk")
		if m.At(resource.CPU, 5, b) < m.At(resource.CPU, 5, a) {
			t.Fatalf("risk %g has margin %g, risk %g has %g", a, m.At(resource.CPU, 5, a), b, m.At(resource.CPU, 5, b))
		}
	})
}

func TestMarginsValidate(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name string
		band Band
		want string
	}{
		{"no members", Band{Resource: resource.CPU, MaxMembers: 0}, "at most 0 members"},
		{"a negative horizon", Band{Resource: resource.CPU, MaxMembers: 1, Horizon: -time.Hour}, "horizon of -1h"},
		{"risk 0", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{0, 1}}}, "at risk 0"},
		{"risk 1", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{1, 1}}}, "at risk 1"},
		{"NaN margin", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{.1, nan}}}, "q NaN"},
		{"negative margin", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{.1, -1}}}, "q -1"},
		{"infinite margin", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{.1, float32(math.Inf(1))}}}, "q +Inf"},
		{"rising risks", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{.01, .1}, {.1, .2}}}, "risks are not falling"},
		{"risk twice", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{.1, .1}, {.1, .2}}}, "risks are not falling"},
		{"falling margins", Band{Resource: resource.CPU, MaxMembers: 5, Points: []Point{{.1, .3}, {.01, .2}}}, "smaller margin"},
	}
	for _, test := range tests {
		m := Margins{Bands: []Band{test.band}}
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestMarginsAhead(t *testing.T) {
	band := func(n resource.Name, horizon time.Duration, q float32) Band {
		return Band{Resource: n, MaxMembers: 10, Horizon: horizon, Points: []Point{{.01, q}}}
	}
	m := Margins{Bands: []Band{band(resource.CPU, 0, .1), band(resource.CPU, time.Hour, .3), band(resource.CPU, 6*time.Hour, .2), band(resource.Memory, 0, .5)}}
	if q := m.At(resource.CPU, 5, .01); q != .1 {
		t.Errorf("of the whole span: %g", q)
	}
	for horizon, want := range map[time.Duration]float32{time.Minute: .3, time.Hour: .3, 2 * time.Hour: .2, 6 * time.Hour: .2, 7 * time.Hour: .1, 24 * time.Hour: .1} {
		ahead := m.Ahead(horizon)
		if q := ahead.At(resource.CPU, 5, .01); q != want {
			t.Errorf("%v ahead: %g, want %g", horizon, q, want)
		}
		if q := ahead.At(resource.Memory, 5, .01); q != .5 {
			t.Errorf("memory, known for the span alone, %v ahead: %g", horizon, q)
		}
	}
}
