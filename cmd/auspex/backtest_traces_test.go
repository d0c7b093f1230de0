package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// csvTrace writes usage of some workloads every so often for so long, in our own
// format; use gives the cells behind the time and the workload.
func csvTrace(t *testing.T, head string, workloads int, step, length time.Duration, use func(k, i int) string) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "time,workload,%s\n", head)
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for k := range workloads {
		for i := range int(length / step) {
			if cells := use(k, i); cells != "" {
				fmt.Fprintf(&text, "%d,w%d,%s\n", start.Add(time.Duration(i)*step).Unix(), k, cells)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whatever a trace looks like, a backtest works, with figures that are figures, or
// says what to do.
func TestBacktestOfOddTraces(t *testing.T) {
	const day = 24 * time.Hour
	always := func(cells string) func(k, i int) string { return func(int, int) string { return cells } }
	rng := rand.New(rand.NewPCG(1, 2))
	busy := func(k, i int) string { return fmt.Sprintf("%.3f,4", 2*rng.Float64()+float64((i/24+k)%2)) }
	limited := "cpu,cpu_limit"
	for _, c := range []struct {
		name, head   string
		workloads    int
		step, length time.Duration
		use          func(k, i int) string
		args         string
		complaint    string // "" = it works
	}{
		{"usual", limited, 6, 30 * time.Minute, 4 * day, busy, "", ""},
		{"all zero", limited, 6, 30 * time.Minute, 4 * day, always("0,4"), "", ""},
		{"constant", limited, 6, 30 * time.Minute, 4 * day, always("2,4"), "", ""},
		{"always at the limit", limited, 6, 30 * time.Minute, 4 * day, always("4,4"), "", ""},
		{"always over the limit", limited, 6, 30 * time.Minute, 4 * day, always("9,4"), "", ""},
		{"limits of nothing", limited, 6, 30 * time.Minute, 4 * day, always("1,0"), "", "no limits"},
		{"huge", limited, 6, 30 * time.Minute, 4 * day, always("1e30,4e30"), "", ""},
		{"tiny", limited, 6, 30 * time.Minute, 4 * day, always("1e-30,4e-30"), "", ""},
		{"a sample an hour", limited, 6, time.Hour, 5 * day, busy, "", ""},
		{"a sample in two hours", limited, 6, 2 * time.Hour, 5 * day, busy, "", "want a sample an hour"},
		{"a step that divides no hour", limited, 6, 7 * time.Minute, 3 * day, busy, "--test-days 1", ""},
		{"seconds", limited, 4, 20 * time.Second, day / 2, busy, "--test-days 1 --horizon 1h", ""},
		{"holes", limited, 6, 10 * time.Minute, 4 * day, func(k, i int) string {
			if rng.Float64() < .4 {
				return ""
			}
			return busy(k, i)
		}, "", ""},
		{"days without data", limited, 6, 30 * time.Minute, 9 * day, func(k, i int) string {
			if d := i / 48; d > 2 && d < 6 {
				return ""
			}
			return busy(k, i)
		}, "", ""},
		{"short lives", limited, 80, 15 * time.Minute, 4 * day, func(k, i int) string {
			if from := k * 13 % 380; i < from || i > from+k%30 {
				return ""
			}
			return busy(k, i)
		}, "--horizon 1h", ""},
		{"other workloads every day", limited, 40, 30 * time.Minute, 4 * day, func(k, i int) string {
			if i/48 != k/10 {
				return ""
			}
			return busy(k, i)
		}, "--horizon 2h", ""},
		{"limits that change and vanish", limited, 6, 30 * time.Minute, 4 * day, func(k, i int) string {
			return fmt.Sprintf("%.3f,%d", rng.Float64(), i/20%3)
		}, "", ""},
		{"workloads without limits", limited, 8, 30 * time.Minute, 4 * day, func(k, i int) string {
			return strings.TrimSuffix(busy(k, i), strings.Repeat("4", k%2))
		}, "", ""},
		{"no limits at all", "cpu", 6, 30 * time.Minute, 4 * day, always("1"), "", "cpu_limit"},
		{"one workload", limited, 1, 30 * time.Minute, 4 * day, busy, "--group 1", ""},
		{"fewer workloads than a machine has", limited, 2, 30 * time.Minute, 4 * day, busy, "", "smaller --group"},
		{"machines of the trace", "cpu,cpu_limit,node", 6, 30 * time.Minute, 4 * day, func(k, i int) string {
			return busy(k, i) + fmt.Sprintf(",n%d", k%2)
		}, "--group 0", ""},
		{"no machines in the trace", limited, 6, 30 * time.Minute, 4 * day, busy, "--group 0", "give --group"},
		{"one day", limited, 6, 15 * time.Minute, day, busy, "--test-days 1", ""},
		{"one day, two tested", limited, 6, 15 * time.Minute, day, busy, "--test-days 2", "--test-days 1 or less"},
		{"one day, a day ahead", limited, 6, 15 * time.Minute, day, busy, "--test-days 1 --horizon 24h", "shorter --horizon"},
		{"an hour", limited, 6, 5 * time.Minute, time.Hour, busy, "--test-days 1 --horizon 1h", "shorter --horizon"},
		{"too few days", limited, 6, 30 * time.Minute, 4 * day, busy, "--test-days 9", "--test-days 3 or less"},
		{"one sample each", limited, 6, 30 * time.Minute, 30 * time.Minute, busy, "--test-days 1 --horizon 1h", "shorter --horizon"},
		{"no sample", limited, 0, time.Hour, day, busy, "", "no usage of cpu"},
		{"another resource", limited, 6, 30 * time.Minute, 4 * day, busy, "--resource memory", "it has cpu"},
		{"a time out of this world", limited, 6, 30 * time.Minute, 4 * day, func(k, i int) string {
			if k == 0 && i == 7 {
				return "1,4\n0,w0,1,4"
			}
			return busy(k, i)
		}, "", ""},
		{"two times", limited, 6, 30 * time.Minute, 4 * day, func(k, i int) string {
			return busy(k, i) + fmt.Sprintf("\n%d,w%d,1,4", 1800*i, k)
		}, "", "are the times right?"},
		{"bad rows", limited, 6, 30 * time.Minute, 4 * day, func(k, i int) string {
			if bad := []string{"NaN,4", "-1,4", "x,y", "Inf,4", ",,,,"}; i%19 == 0 {
				return bad[i/19%len(bad)]
			}
			return busy(k, i)
		}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := csvTrace(t, c.head, c.workloads, c.step, c.length, c.use)
			args := "backtest --trace csv:" + file + " --replicates 2 -o json"
			for _, flag := range []string{"--horizon 6h", "--group 3", "--test-days 2"} {
				if name, _, _ := strings.Cut(flag, " "); !strings.Contains(c.args, name) {
					args += " " + flag
				}
			}
			code, stdout, stderr := run(t, t.Context(), "", strings.Fields(args+" "+c.args)...)
			if c.complaint != "" {
				if code == exitDone || !strings.Contains(stderr, c.complaint) {
					t.Fatalf("exit code %d, said %q, want %q in it", code, stderr, c.complaint)
				}
				return
			}
			if code != exitDone {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			var report struct {
				TestWindows int `json:"test_windows"`
				Predictors  []struct {
					Name          string
					ViolationRate float64 `json:"violation_rate"`
					Savings       float64
					OracleShare   float64            `json:"oracle_share"`
					SavingsAt     map[string]float64 `json:"savings_at"`
				}
			}
			if err := json.Unmarshal([]byte(stdout), &report); err != nil { // NaN is no JSON
				t.Fatal(err)
			}
			if report.TestWindows == 0 || len(report.Predictors) == 0 {
				t.Fatalf("%d windows, %d predictors", report.TestWindows, len(report.Predictors))
			}
			for _, p := range report.Predictors {
				if p.ViolationRate < 0 || p.ViolationRate > 1 || p.Savings < -1e-6 || p.Savings > 1 || len(p.SavingsAt) != 5 {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}
