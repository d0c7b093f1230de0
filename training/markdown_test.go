package training

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/trial"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The page a person reads, as a whole.
func TestPage(t *testing.T) {
	at := func(day int) time.Time { return start.AddDate(0, 0, day) }
	scores := func(violations, savings float64) backtest.Score {
		return backtest.Score{Cases: 336, ViolationRate: violations, SeverityMean: .04, Savings: savings, OracleShare: savings / .7}
	}
	coverage := map[string]float64{"0.5": .52, "0.9": .91, "0.95": .96, "0.98": .981, "0.99": .993, "0.995": .996}
	pinball := map[string]float64{"0.5": .02, "0.9": .01, "0.95": .007, "0.98": .004, "0.99": .003, "0.995": .002}
	r := Report{
		Started: at(21), Seconds: 12.5, Workloads: 40, Samples: 483840, Judged: 40, ReadSeconds: 3, Seed: 1, Horizon: 24 * time.Hour,
		From: at(0), CalibrateFrom: at(10), TestFrom: at(14), To: at(21),
		Targets: []TargetReport{
			{Class: "service", Resource: "cpu", Rows: 5000, Seconds: 4, Verdict: Shadowed, Why: "its loss is 8.0 % under percentiles, the best baseline (0.00880, 0.00957)", Champion: "01OLD", Challenger: "01NEW",
				Ratings: []Rating{{Name: "learned", Mean: .0088, Pinball: pinball, Coverage: coverage, Cases: 2000}, {Name: "percentiles", Mean: .00957, Pinball: pinball, Coverage: coverage, Cases: 2000}}},
			{Class: "batch", Resource: "cpu", Rows: 100, Verdict: FellBack, Why: "only 100 cases to judge by (want 300)", Ratings: []Rating{}},
		},
		Machines: []MachineReport{{
			Resource: "cpu", Members: 12, Machines: 4, Cases: 336, Risk: .01, OracleSavings: .7,
			Contestants: []MachineScore{
				{Name: "auspex", Raw: scores(.05, .64), Margin: .2, Calibrated: scores(.009, .6), Violations: map[string]float64{"0.1": .09, "0.01": .009}, SavingsAt: map[string]float64{"0.1": .64, "0.01": .6}},
				{Name: "M-21|SA", Raw: scores(.01, .58), Margin: .1, Calibrated: scores(.008, .61), Violations: map[string]float64{"0.01": .008}, SavingsAt: map[string]float64{"0.01": .6}},
			},
			worst:  []backtest.Band{{Machine: "node-7", Members: 12, Times: []time.Time{at(15), at(16)}, Usage: []float32{1, 2}, Peak: []float32{2, 2}, Median: []float32{1, 1}, Predicted: []float32{2, 3}, Limit: []float32{4, 4}}},
			Misses: []Miss{{Machine: "node-7", At: at(16), Members: 12, Limit: 48, Predicted: 20, Actual: 25, Severity: .2, Surprise: "shop-web-3", Before: 1.5, After: 4}},
		}},
		Profiles: []ProfileReport{{Resource: "cpu", Rows: 9000, Seconds: 3, Verdict: Promoted, Why: "its loss a slot is 12.0 % under that of earlier days", Champion: "01SLOTS", Ratings: []SlotRating{
			{Name: HistoryName, Pinball: pinball, Mean: .0113, Coverage: coverage, Error: .04, Cases: 900, Machines: MachineScore{Calibrated: scores(.01, .6), SavingsAt: map[string]float64{"0.05": .62, "0.01": .6}}},
			{Name: LearnedName, Pinball: pinball, Mean: .0099, Coverage: coverage, Error: .03, Cases: 900, Machines: MachineScore{Calibrated: scores(.008, .61), SavingsAt: map[string]float64{"0.05": .63, "0.01": .61}}},
		}}},
		Prior: Shared{"01PRIOR", "9 groups"}, Margins: Shared{"01MARGINS", "7 bands"},
		Online: []trial.Summary{{Class: "batch", Resource: "cpu", Model: "01BAD", Cases: 400, Coverage: coverage,
			Chance: map[string]float64{"0.5": .1, "0.9": .05, "0.95": .02, "0.98": -1, "0.99": .01}, Loss: .012, Broken: "its 99 % quantile held in 93.0 % of 400 cases"}},
		Classification: ClassificationReport{Verdict: FellBack, Why: "labelled workloads of 0 classes (want at least 2)"},
		Pruned:         Pruned{Artefacts: []string{"01GONE"}, Pages: []string{"20260101T023000Z"}},
		Warnings:       []string{"champion of learned/batch/cpu: artefact is corrupt"},
	}
	path, err := r.WritePage(filepath.Join(t.TempDir(), "night"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report.md")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the page differs from %s (go test ./training -update rewrites it):\n%s", golden, got)
	}
	for _, link := range regexp.MustCompile(`\]\((cpu/[^)]*)\)`).FindAllSubmatch(got, -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(link[1]))); err != nil {
			t.Errorf("the page shows what is not there: %v", err)
		}
	}
	for _, picture := range []string{"frontier.svg", "reliability.png"} {
		if info, err := os.Stat(filepath.Join(filepath.Dir(path), "cpu", picture)); err != nil || info.Size() < 2000 {
			t.Errorf("%s: %v, %v", picture, info, err)
		}
	}
}
