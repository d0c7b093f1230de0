package plot

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

func TestWrite(t *testing.T) {
	covered := map[string]backtest.Covered{"0.9": {Share: .93, Interval: &backtest.Interval{.9, .95}}, "0.99": {Share: 1}}
	at := map[string]float64{"0.001": .2, "0.01": .3, "0.1": .4}
	r := &backtest.Report{Resource: "memory", Horizon: "24h", OracleSavings: .5, Risk: .01, Predictors: []backtest.Predictor{
		{Name: "auspex", Calibrated: true, ViolationRate: 0, Savings: .3, SavingsAt: at, Coverage: backtest.Coverage{Level: covered}},
		{Name: "S-7", ViolationRate: .9, Savings: .8, SavingsAt: at},
		{Name: "S-7", Calibrated: true, ViolationRate: .02, Savings: .2, SavingsAt: at, Coverage: backtest.Coverage{Level: covered}},
	}}
	now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	values := []float32{1 << 30, 2 << 30}
	bands := []backtest.Band{{Machine: "a", Times: []time.Time{now, now.Add(time.Hour)}, Usage: values, Peak: values, Median: values, Predicted: values, Limit: values}}
	dir := t.TempDir()
	files, err := Write(dir, r, bands)
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, name := range []string{"frontier", "reliability", "node-1"} {
		data, err := os.ReadFile(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if svg, err := os.ReadFile(filepath.Join(dir, name+".svg")); err != nil || !bytes.Contains(svg, []byte("<svg")) {
			t.Errorf("%s: no SVG: %v", name, err)
		}
	}
	if _, err := Write(filepath.Join(dir, "missing"), r, nil); err == nil {
		t.Error("writes into a folder that is not there")
	}
}

func TestTimeTicks(t *testing.T) {
	from := time.Date(2026, 1, 5, 1, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		span  time.Duration
		first string
	}{{17 * time.Hour, "Jan 5 03:00"}, {14 * 24 * time.Hour, "Jan 7"}} {
		ticks := timeTicks([]time.Time{from, from.Add(c.span)})
		if len(ticks) < 2 || len(ticks) > 9 || ticks[0].Label != c.first {
			t.Errorf("over %v: %v", c.span, ticks)
		}
	}
	if timeTicks(nil) != nil {
		t.Error("ticks of nothing")
	}
}
