package models

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

var firstDay = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// What is learned from must be what is predicted from: a timeline as it was when a
// slot began says what a history says that has heard nothing since.
func TestTimelineBeforeIsHistoryThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom([]forecast.Grid{forecast.DefaultGrid(), {Slot: 2 * time.Hour, Slots: 6}}).Draw(t, "grid")
		days := rapid.IntRange(1, 30).Draw(t, "days")
		asked := firstDay.Add(time.Duration(rapid.IntRange(1, days*24).Draw(t, "asked")) * time.Hour).Truncate(g.Slot)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		h, line := NewHistory(g), NewTimeline(g, 40*24*time.Hour)
		for at := firstDay; at.Before(firstDay.AddDate(0, 0, days)); at = at.Add(30 * time.Minute) {
			if rng.IntN(4) == 0 {
				continue
			}
			use := 4 * rng.Float64()
			line.Add(at, use)
			if at.Before(asked) {
				h.Add(&timeseries.Sample{Key: timeseries.Key{Workload: "w"}, Time: at, Usage: resource.Of(use, 0), Limit: resource.Of(4, 0)})
			}
		}
		s := Observed(h)
		columns := NewSlotColumns(g)
		got, known := columns.Before(nil, line, asked, 4)
		want, ok := columns.Known(nil, &s, resource.CPU, asked)
		if known != ok || len(got) != len(want) || ok && len(want) != g.Slots*len(SlotFeatures()) {
			t.Fatalf("%d columns, known %v; want %d, %v", len(got), known, len(want), ok)
		}
		for i, v := range got {
			if v != want[i] && (v == v || want[i] == want[i]) {
				t.Fatalf("%s of slot %d is %g, want %g", SlotFeatures()[i%aheadCount], i/aheadCount, v, want[i])
			}
		}
	})
}

// The habit of a slot is what the profile of earlier days says of it.
func TestHabitIsTheProfile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := forecast.DefaultGrid()
		h := NewHistory(g)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		hours := rapid.IntRange(30, 25*24).Draw(t, "hours")
		for hour := range hours {
			h.Add(&timeseries.Sample{Key: timeseries.Key{Workload: "w"}, Time: firstDay.Add(time.Duration(hour) * time.Hour), Usage: resource.Of(4*rng.Float64(), 0), Limit: resource.Of(4, 0)})
		}
		now := firstDay.Add(time.Duration(hours) * time.Hour)
		s := Observed(h)
		rows, _ := NewSlotColumns(g).Known(nil, &s, resource.CPU, now)
		profile, _ := h.Usage(resource.CPU).profile(now, g)
		for k, want := range profile {
			row := rows[k*aheadCount:]
			if got := 4 * SlotShare(row, 0); math.Abs(float64(got-want)) > 1e-4 {
				t.Fatalf("slot %d: %g, want %g", k, got, want)
			}
			if share := rng.Float32(); math.Abs(float64(SlotShare(row, SlotOutcome(row, share))-share)) > 1e-4 {
				t.Fatalf("slot %d: a share of %g comes back as %g", k, share, SlotShare(row, SlotOutcome(row, share)))
			}
		}
	})
}

// profilerOf returns a profiler of trees that add so much of the spread to what
// earlier days tell.
func profilerOf(t testing.TB, n resource.Name, outcome float32) *Profiler {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	d := &gbdt.Dataset{Names: SlotFeatures(), Columns: make([][]float32, len(SlotFeatures())), Targets: make([]float32, 300)}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(d.Targets))
		for i := range d.Columns[f] {
			d.Columns[f][i], d.Targets[i] = rng.Float32(), outcome
		}
	}
	quantiles, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Quantiles: SlotLevels(), Trees: 2})
	if err != nil {
		t.Fatal(err)
	}
	mean, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Mean: true, Trees: 2})
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProfiler(n, forecast.DefaultGrid(), mean, quantiles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// days returns a workload that uses four cores by day and one by night.
func daily(days int) (Subject, time.Time) {
	h := NewHistory(forecast.DefaultGrid())
	for hour := range 24 * days {
		use := 1.
		if hour%24 >= 8 && hour%24 < 18 {
			use = 4
		}
		h.Add(&timeseries.Sample{Key: timeseries.Key{Workload: "w", Class: "service"}, Time: firstDay.Add(time.Duration(hour) * time.Hour), Usage: resource.Of(use, 0), Limit: resource.Of(8, 0)})
	}
	return Observed(h), firstDay.AddDate(0, 0, days)
}

func TestProfilerTellsSlots(t *testing.T) {
	s, now := daily(14)
	set := Set{Grid: forecast.DefaultGrid(), Profilers: map[resource.Name]*Profiler{resource.CPU: profilerOf(t, resource.CPU, -.1)}}
	f, known := set.Chain().Forecast(&s, now)
	if err := f.Validate(); !known || err != nil {
		t.Fatal(known, err)
	}
	d, _ := f.Demand(resource.CPU)
	if len(d.SlotMeans) != 24 || len(d.SlotQuantiles) != len(SlotLevels()) {
		t.Fatalf("%d means, %d quantiles of slots", len(d.SlotMeans), len(d.SlotQuantiles))
	}
	if noon, night := d.Profile[12], d.Profile[3]; noon >= 4 || noon < 3.5 || night >= 1 || night < .5 {
		t.Errorf("a tenth of the spread under what earlier days tell is %g at noon and %g at night", noon, night)
	}
	if !(d.Mean > 1 && d.Mean < 3) || d.Peak < 4 {
		t.Errorf("mean %g, peak %g", d.Mean, d.Peak)
	}
	high := Set{Grid: set.Grid, Profilers: map[resource.Name]*Profiler{resource.CPU: profilerOf(t, resource.CPU, 40)}}
	f, _ = high.Chain().Forecast(&s, now)
	if err := f.Validate(); err != nil {
		t.Errorf("what is told above the peak: %v", err)
	}
	// A few days do not speak for themselves.
	young, at := daily(3)
	f, _ = set.Chain().Forecast(&young, at)
	if d, _ := f.Demand(resource.CPU); d.SlotMeans != nil || d.Profile[12] != 4 {
		t.Errorf("three days: noon %g, means %v", d.Profile[12], d.SlotMeans)
	}
}

func TestProfilerEncoding(t *testing.T) {
	p := profilerOf(t, resource.Memory, .2)
	files, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeProfiler(files)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if !slices.Equal(again[name], data) {
			t.Errorf("%s read and written again is another", name)
		}
	}
	for name, want := range map[string]string{profilerHeaderFile: "profile.json", slotMeanFile: "slot-mean", slotQuantilesFile: "slot-quantiles"} {
		broken := map[string][]byte{}
		for k, v := range files {
			broken[k] = v
		}
		broken[name] = files[name][:len(files[name])/2]
		if _, err := DecodeProfiler(broken); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("half of %s: %v", name, err)
		}
	}
	swapped := map[string][]byte{profilerHeaderFile: files[profilerHeaderFile], slotMeanFile: files[slotQuantilesFile], slotQuantilesFile: files[slotMeanFile]}
	if _, err := DecodeProfiler(swapped); err == nil || !strings.Contains(err.Error(), "in place of the mean") {
		t.Errorf("mean and quantiles swapped: %v", err)
	}
}

func FuzzDecodeProfiler(f *testing.F) {
	files, err := profilerOf(f, resource.CPU, .1).Encode()
	if err != nil {
		f.Fatal(err)
	}
	header := files[profilerHeaderFile]
	f.Add(header, false)
	f.Add(header, true)
	f.Add([]byte(`{"resource":"cpu","slot_seconds":3600,"slots":-1}`), false)
	// The models have a fuzzer of their own: here they are whole, or exchanged.
	f.Fuzz(func(t *testing.T, header []byte, exchanged bool) {
		mean, quantiles := files[slotMeanFile], files[slotQuantilesFile]
		if exchanged {
			mean, quantiles = quantiles, mean
		}
		p, err := DecodeProfiler(map[string][]byte{profilerHeaderFile: header, slotMeanFile: mean, slotQuantilesFile: quantiles})
		if err != nil {
			return
		}
		out := make([]float32, 2*len(SlotLevels()))
		if err := p.Quantiles(make([]float32, 2*len(SlotFeatures())), out); err != nil {
			t.Fatal(err)
		}
	})
}
