package page

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/training"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The page a person reads, as a whole.
func TestPage(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day) }
	scores := func(violations, savings float64) backtest.Score {
		return backtest.Score{Cases: 336, ViolationRate: violations, SeverityMean: .04, Savings: savings, OracleShare: savings / .7}
	}
	coverage := map[string]float64{"0.5": .52, "0.9": .91, "0.95": .96, "0.98": .981, "0.99": .993, "0.995": .996}
	pinball := map[string]float64{"0.5": .02, "0.9": .01, "0.95": .007, "0.98": .004, "0.99": .003, "0.995": .002}
	r := training.Report{
		Started: at(21), Seconds: 12.5, Workloads: 40, Samples: 483840, Judged: 40, ReadSeconds: 3, Seed: 1, Horizon: 24 * time.Hour,
		From: at(0), CalibrateFrom: at(10), TestFrom: at(14), To: at(21),
		Targets: []training.TargetReport{
			{Class: "service", Resource: "cpu", Rows: 5000, Seconds: 4, Verdict: training.Shadowed, LeansOn: []string{"own_p99 41 %", "max_21d 17 %"}, Why: "its loss is 8.0 % under percentiles, the best baseline (0.00880, 0.00957)", Champion: "01OLD", Challenger: "01NEW",
				Ratings: []training.Rating{{Name: "learned", Mean: .0088, Pinball: pinball, Coverage: coverage, Cases: 2000}, {Name: "percentiles", Mean: .00957, Pinball: pinball, Coverage: coverage, Cases: 2000}}},
			{Class: "cron", Resource: "cpu", Rows: 100, Verdict: training.FellBack, Why: "of the champion, its loss of 0.00900 is over that of percentiles; of the night's model, only 100 cases to judge by (want 300)", Before: "01BEFORE", Ratings: []training.Rating{}},
			{Class: "batch", Resource: "cpu", Rows: 100, Verdict: training.FellBack, Why: "only 100 cases to judge by (want 300)", Ratings: []training.Rating{}},
		},
		Machines: []training.MachineReport{{
			Resource: "cpu", Members: 12, Machines: 4, Cases: 336, Risk: .01, OracleSavings: .7,
			Contestants: []training.MachineScore{
				{Name: "auspex", Raw: scores(.05, .64), Margin: .2, Calibrated: scores(.009, .6), Violations: map[string]float64{"0.1": .09, "0.01": .009}, SavingsAt: map[string]float64{"0.1": .64, "0.01": .6}},
				{Name: "M-21|SA", Raw: scores(.01, .58), Margin: .1, Calibrated: scores(.008, .61), Violations: map[string]float64{"0.01": .008}, SavingsAt: map[string]float64{"0.01": .6}},
			},
			Worst:  []backtest.Band{{Machine: "node-7", Members: 12, Times: []time.Time{at(15), at(16)}, Usage: []float32{1, 2}, Peak: []float32{2, 2}, Median: []float32{1, 1}, Predicted: []float32{2, 3}, Limit: []float32{4, 4}}},
			Misses: []training.Miss{{Machine: "node-7", At: at(16), Members: 12, Limit: 48, Predicted: 20, Actual: 25, Severity: .2, Surprise: "shop-web-3", Before: 1.5, After: 4}},
		}},
		Profiles: []training.ProfileReport{{Resource: "cpu", Rows: 9000, Seconds: 3, Verdict: training.Promoted, Why: "its loss a slot is 12.0 % under that of earlier days", Champion: "01SLOTS", Ratings: []training.SlotRating{
			{Name: training.HistoryName, Pinball: pinball, Mean: .0113, Coverage: coverage, Error: .04, Cases: 900, Machines: training.MachineScore{Calibrated: scores(.01, .6), SavingsAt: map[string]float64{"0.05": .62, "0.01": .6}}},
			{Name: training.LearnedName, Pinball: pinball, Mean: .0099, Coverage: coverage, Error: .03, Cases: 900, Machines: training.MachineScore{Calibrated: scores(.008, .61), SavingsAt: map[string]float64{"0.05": .63, "0.01": .61}}},
		}}},
		Prior: training.Shared{ID: "01PRIOR", Why: "9 groups"}, Margins: training.Shared{ID: "01MARGINS", Why: "7 bands"},
		Online: []trial.Summary{{Class: "batch", Resource: "cpu", Model: "01BAD", Cases: 400, Coverage: coverage,
			Chance: map[string]float64{"0.5": .1, "0.9": .05, "0.95": .02, "0.98": -1, "0.99": .01}, Loss: .012, Broken: "its 99 % quantile held in 93.0 % of 400 cases"}},
		Classification: training.ClassificationReport{Verdict: training.FellBack, Why: "labelled workloads of 0 classes (want at least 2)"},
		Pruned:         training.Pruned{Artefacts: []string{"01GONE"}, Pages: []string{"20260101T023000Z"}},
		Gaps:           []string{"nothing was measured from 2026-01-09 00:00 to 2026-01-12 00:00 (3 days): it is learned around"},
		Warnings:       []string{"champion of learned/batch/cpu: artefact is corrupt"},
	}
	path, err := Write(&r, filepath.Join(t.TempDir(), "night"))
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
		t.Errorf("the page differs from %s (go test ./training/page -update rewrites it):\n%s", golden, got)
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

// Only pages are pruned, the oldest ones, however half removed by a crash.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"20260101T023000Z/report.md", "20260102T023000Z/cpu/frontier.svg", "20260103T023000Z/report.md", "notesTofZ/mine.md", "20260101T0230Z/mine.md"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := training.Report{Started: time.Date(2026, 1, 4, 2, 30, 0, 0, time.UTC)}
	for range 2 { // with and without its own page
		Prune(&report, dir, 2)
		if _, err := Write(&report, dir); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"20260101T023000Z", "20260102T023000Z"}; !slices.Equal(report.Pruned.Pages, want) || len(report.Warnings) > 0 {
		t.Errorf("pruned %v, warned %v", report.Pruned.Pages, report.Warnings)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"20260101T0230Z", "20260103T023000Z", "20260104T023000Z", "notesTofZ"}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}
}

func TestMarkdownOfNothing(t *testing.T) {
	if got := Markdown(&training.Report{Skipped: "no history at all"}); !strings.Contains(got, "Nothing was learned: no history at all.") {
		t.Errorf("%s", got)
	}
}
