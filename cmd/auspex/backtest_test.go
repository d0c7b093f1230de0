package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// planetLab writes a few days of a few machines in the layout of that trace.
func planetLab(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	for _, day := range []string{"20110303", "20110306", "20110309"} {
		var text strings.Builder
		for vm := range 12 {
			fmt.Fprintf(&text, "vm-%d", vm)
			for i := range 288 {
				fmt.Fprintf(&text, ",%d", rng.IntN(20)+40*(i/144)*(vm%2))
			}
			text.WriteByte('\n')
		}
		if err := os.WriteFile(filepath.Join(dir, day+".csv"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The names in the JSON of a backtest are a contract, and so is who takes part.
func TestBacktest(t *testing.T) {
	dir := planetLab(t)
	plots := filepath.Join(dir, "..", "plots")
	args := []string{"backtest", "--trace", "planetlab:" + dir, "--horizon", "6h", "--group", "3", "--replicates", "2", "--test-days", "1", "--seed", "3", "-o", "json"}
	code, stdout, stderr := run(t, t.Context(), "", append(args, "--plot", plots)...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var report map[string]any
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	want(t, "report", report, "trace", "resource", "horizon", "group", "oracle_savings", "test_windows", "predictors")
	if report["horizon"] != "6h" || report["group"] != 3. || report["resource"] != "cpu" {
		t.Errorf("horizon %v, group %v, resource %v", report["horizon"], report["group"], report["resource"])
	}
	var names []string
	for _, p := range report["predictors"].([]any) {
		p := p.(map[string]any)
		want(t, fmt.Sprint(p["name"]), p, "name", "calibrated", "violation_rate", "severity_mean", "savings", "oracle_share", "savings_at", "pinball", "coverage", "train_seconds", "predict_micros_per_workload")
		want(t, "savings_at", p["savings_at"].(map[string]any), "0.001", "0.01", "0.02", "0.05", "0.1")
		want(t, "pinball", p["pinball"].(map[string]any), "0.5", "0.9", "0.95", "0.98", "0.99")
		want(t, "coverage", p["coverage"].(map[string]any), "class", "age", "weekday", "week")
		names = append(names, fmt.Sprint(p["name"], " ", p["calibrated"]))
	}
	for _, name := range []string{"limit", "borg-default", "rc-like-99", "rc-like-95", "rc-like-80", "n-sigma-3", "n-sigma-5", "max-99-5", "max-80-3",
		"autopilot", "vpa", "koordinator", "seasonal-1d", "seasonal-7d", "S-7", "S-14", "M-14", "M-21"} {
		if !slices.Contains(names, name+" false") || !slices.Contains(names, name+" true") {
			t.Errorf("%s is not there both raw and calibrated", name)
		}
	}
	if !slices.Contains(names, "auspex true") || !slices.Contains(names, "M-21|SA true") {
		t.Errorf("auspex or M-21|SA is missing: %q", names)
	}
	if _, err := os.Stat(filepath.Join(plots, "frontier.png")); err != nil {
		t.Error(err)
	}

	code, stdout, _ = run(t, t.Context(), "", append(args[:len(args)-2], "-o", "table")...)
	if code != exitDone || !strings.Contains(stdout, "the oracle saves") {
		t.Errorf("exit code %d, table %q", code, stdout)
	}
}

func want(t *testing.T, what string, object map[string]any, fields ...string) {
	t.Helper()
	for _, f := range fields {
		if _, ok := object[f]; !ok {
			t.Errorf("%s has no %q", what, f)
		}
	}
}

func TestBacktestMisuse(t *testing.T) {
	for args, complaint := range map[string]string{
		"backtest":                     "no trace",
		"backtest --trace swf:x":       "no usage over time",
		"backtest --trace nonsense":    "want FORMAT:PATH",
		"backtest --trace csv:missing": "missing",
		"backtest --trace planetlab:" + planetLab(t) + " --test-days 3":                             "--test-days 2 or less",
		"backtest --trace planetlab:" + planetLab(t) + " --horizon 6h --test-days 1 --group 0":      "give --group",
		"backtest --trace planetlab:" + planetLab(t) + " --horizon 6h --test-days 1 --group 99":     "smaller --group",
		"backtest --trace planetlab:" + planetLab(t) + " --test-days 1 --group 3 --resource memory": "no usage of memory",
		"backtest --trace planetlab:" + planetLab(t) + " --test-days 1 --group 3 --horizon 10m":     "whole hours",
	} {
		if code, _, stderr := run(t, t.Context(), "", strings.Fields(args)...); code == exitDone || !strings.Contains(stderr, complaint) {
			t.Errorf("auspex %s: exit code %d, said %q, want %q in it", args, code, stderr, complaint)
		}
	}
}

// What is wrong with the flags, or with where plots go, is said before a trace is
// read: that may take minutes.
func TestBacktestIsRefusedAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	trace := "planetlab:" + planetLab(t)
	for flags, code := range map[string]int{
		"--horizon 0": exitMisuse, "--horizon -5h": exitMisuse, "--horizon 1000h": exitMisuse, "--horizon 90s": exitMisuse,
		"--risk 0": exitMisuse, "--risk 2": exitMisuse, "--risk NaN": exitMisuse,
		"--group -1": exitMisuse, "--replicates 0": exitMisuse, "--replicates -1": exitMisuse, "--test-days 0": exitMisuse, "--workloads -3": exitMisuse,
		"--plot " + file + "/plots": exitFailed,
	} {
		got, stdout, stderr := run(t, t.Context(), "", append([]string{"backtest", "--trace", trace}, strings.Fields(flags)...)...)
		if got != code || stdout != "" || strings.Contains(stderr, "samples") {
			t.Errorf("%s: exit code %d, want %d; said %s%s", flags, got, code, stdout, stderr)
		}
	}
}

// The names in the JSON of a contest of classes are a contract.
func TestBacktestClasses(t *testing.T) {
	dir := planetLab(t)
	args := []string{"backtest", "classes", "--trace", "planetlab:" + dir, "--ahead", "2h"}
	code, stdout, stderr := run(t, t.Context(), "", append(args, "-o", "json")...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var r struct {
		Trace   string
		Results []struct {
			Question, Chosen string
			Classes          []string
			Tested           int
			Contestants      []struct {
				Name               string
				Accuracy, Answered float64
				Confusion          map[string]map[string]int
				Classes            []struct {
					Precision, Recall, SurePrecision, SureRecall float64 `json:",omitempty"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 2 || r.Results[0].Question != "cpu_mean" || r.Results[1].Question != "cpu_p95" {
		t.Fatalf("%+v", r)
	}
	for _, q := range r.Results {
		if len(q.Classes) != 4 || q.Tested == 0 || len(q.Contestants) != 5 || q.Chosen == "" {
			t.Errorf("%+v", q)
		}
	}
	for want, extra := range map[string][]string{
		"can be asked cpu_mean, cpu_p95": {"--question", "lifetime"},
		"too little to judge":            {"--ahead", "24h"},
		"--test-share between 0 and 1":   {"--test-share", "2"},
	} {
		code, _, stderr := run(t, t.Context(), "", append(slices.Clone(args), extra...)...)
		if code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d, %s", extra, code, stderr)
		}
	}
	if code, stdout, _ := run(t, t.Context(), "", args...); code != exitDone || !strings.Contains(stdout, "would serve") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}
