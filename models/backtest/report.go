package backtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/forecast"
)

// Report compares predictors on one trace. Its JSON field names are a contract.
type Report struct {
	Trace         string  `json:"trace"`
	Resource      string  `json:"resource"`
	Horizon       string  `json:"horizon"`
	Group         int     `json:"group"` // workloads a machine; 0: as the trace has them
	OracleSavings float64 `json:"oracle_savings"`
	TestWindows   int     `json:"test_windows"` // machines x hours predicted

	Workloads int       `json:"workloads"` // in the panel
	Machines  int       `json:"machines"`
	TestFrom  time.Time `json:"test_from"`
	TestTo    time.Time `json:"test_to"`
	Risk      float64   `json:"risk"`            // nominal violation rate of calibrated predictors
	Notes     []string  `json:"notes,omitempty"` // what a reader of the figures should know of the trace

	Predictors []Predictor `json:"predictors"`
	ColdStart  *ColdStart  `json:"cold_start,omitempty"`
}

// Predictor is what came of one contestant over the test days. Amounts are shares
// of the machines' summed limits.
type Predictor struct {
	Name       string `json:"name"`
	Calibrated bool   `json:"calibrated"`

	ViolationRate         float64  `json:"violation_rate"`
	ViolationRateInterval Interval `json:"violation_rate_interval"`
	SeverityMean          float64  `json:"severity_mean"`     // (actual - predicted) / actual, over violations
	SeverityMeanAll       float64  `json:"severity_mean_all"` // over all windows
	SeverityP99           float64  `json:"severity_p99"`      // over violations
	SeverityP99All        float64  `json:"severity_p99_all"`  // over all windows
	Savings               float64  `json:"savings"`
	SavingsInterval       Interval `json:"savings_interval"`
	OracleShare           float64  `json:"oracle_share"` // of the savings of perfect foresight

	// SavingsAt has the savings at matched violation rates. Its scale, one factor
	// of raw predictions or one margin of calibrated ones, is chosen on the test
	// window, for every predictor alike: it compares shapes, and promises nothing.
	SavingsAt map[string]float64 `json:"savings_at"`

	// Pinball has the mean loss by level. A calibrated predictor answers each level
	// with its own margin, a raw one always with its one prediction.
	Pinball  map[string]float64 `json:"pinball"`
	Coverage Coverage           `json:"coverage"`

	TrainSeconds             float64 `json:"train_seconds"`
	PredictMicrosPerWorkload float64 `json:"predict_micros_per_workload"`
}

// Coverage is the share of windows whose peak stayed within the prediction: by
// level what a calibrated predictor asked for that level held, by group what the
// prediction at the nominal risk did.
type Coverage struct {
	Level   map[string]Covered `json:"level,omitempty"`
	Class   map[string]Covered `json:"class"`
	Age     map[string]Covered `json:"age"` // of the machine's median workload
	Weekday map[string]Covered `json:"weekday"`
	Week    []Covered          `json:"week"` // seven test days each
}

// Covered is an empirical coverage, and how far it is off its level.
type Covered struct {
	Windows  int       `json:"windows"`
	Share    float64   `json:"share"`
	Off      float64   `json:"off"` // |share - nominal|
	Interval *Interval `json:"interval,omitempty"`
	Week     []Covered `json:"week,omitempty"` // seven test days each
}

var (
	pinballLevels = [...]float64{.5, .9, .95, .98, .99}
	matchedRates  = [...]float64{.001, .01, .02, .05, .1}
)

func key(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func (t *test) report() *Report {
	last := t.moments[0]
	for _, m := range t.moments {
		if m.Origin > last.Origin {
			last = m
		}
	}
	return &Report{
		Resource: string(t.Panel.Resource), Horizon: horizonText(t.Horizon), Group: t.Group,
		OracleSavings: t.oracle, TestWindows: len(t.moments), Workloads: len(t.Panel.Tracks), Machines: t.machines,
		TestFrom: t.Panel.Time(t.Test[0].From), TestTo: t.Panel.Time(last.Origin).Add(t.Horizon), Risk: t.Risk, Notes: t.notes(),
	}
}

func (t *test) notes() []string {
	var notes []string
	if t.short {
		notes = append(notes, "the trace is too short for whole days: the last third of its hours is tested")
	}
	if known := t.calibration.known(t.Test[0].From); float64(known) < 1/t.Risk {
		notes = append(notes, fmt.Sprintf("%d windows are over when the test begins, too few to calibrate for %g %%: where there are no more, the sum of maxima answers", known, 100*t.Risk))
	}
	return notes
}

func horizonText(d time.Duration) string { return strconv.Itoa(int(d/time.Hour)) + "h" }

// raw judges the predictions as they were made.
func (t *test) raw(p *Predictions) Predictor {
	peaks := t.rawPeaks(p)
	out := t.judge(p, peaks)
	needed := make([]float32, len(peaks))
	for j := range needed {
		needed[j] = t.moments[j].Actual / max(p.Low[t.index[j]], 1e-9*t.moments[j].Limit)
	}
	out.SavingsAt = t.savingsAt(needed, func(j int, scale float32) float32 {
		return min(scale*p.Low[t.index[j]], t.moments[j].Limit)
	})
	for _, level := range pinballLevels {
		out.Pinball[key(level)] = t.pinball(level, peaks)
	}
	return out
}

// calibrated judges the predictions behind margins calibrated day by day.
func (t *test) calibrated(p *Predictions) Predictor {
	risks := t.risks()
	peaks := t.calibratedPeaks(p, p, risks)
	out := t.judge(p, peaks[0])
	out.Calibrated = true
	needed := make([]float32, len(t.moments))
	for j, i := range t.index {
		needed[j] = forecast.Needed(p.Low[i], p.High[i], t.moments[j].Limit, t.moments[j].Actual)
	}
	out.SavingsAt = t.savingsAt(needed, func(j int, q float32) float32 {
		i := t.index[j]
		return max(0, forecast.Peak(p.Low[i], p.High[i], t.moments[j].Limit, q))
	})
	out.Coverage.Level = map[string]Covered{}
	for r, risk := range risks {
		level := math.Round((1-risk)*1e9) / 1e9
		if _, done := out.Coverage.Level[key(level)]; done {
			continue
		}
		covered := t.covered(peaks[r], level, func(int) bool { return true })
		violations, _ := t.intervals(peaks[r])
		covered.Interval = &Interval{1 - violations[1], 1 - violations[0]}
		covered.Week = t.byWeek(peaks[r], level)
		out.Coverage.Level[key(level)] = covered
		if slices.Contains(pinballLevels[:], level) {
			out.Pinball[key(level)] = t.pinball(level, peaks[r])
		}
	}
	return out
}

// judge fills in all that depends on one peak per moment.
func (t *test) judge(p *Predictions, peaks []float32) Predictor {
	out := Predictor{Name: p.Name, Pinball: map[string]float64{}, TrainSeconds: p.Train.Seconds()}
	var predicted float64
	severities := make([]float64, 0, len(peaks))
	for j, peak := range peaks {
		predicted += float64(peak)
		if t.violated(j, peak) {
			severities = append(severities, float64((t.moments[j].Actual-peak)/t.moments[j].Actual))
		}
	}
	n := len(peaks)
	out.ViolationRate = float64(len(severities)) / float64(n)
	out.Savings = 1 - predicted/t.limits
	if t.oracle > 0 {
		out.OracleShare = out.Savings / t.oracle
	}
	slices.Sort(severities)
	var sum float64
	for _, s := range severities {
		sum += s
	}
	if v := len(severities); v > 0 {
		out.SeverityMean = sum / float64(v)
		out.SeverityMeanAll = sum / float64(n)
		out.SeverityP99 = severities[min(v*99/100, v-1)]
		if above := n / 100; above < v { // the largest hundredth of all windows
			out.SeverityP99All = severities[v-1-above]
		}
	}
	out.ViolationRateInterval, out.SavingsInterval = t.intervals(peaks)
	out.Coverage = t.coverage(peaks)
	out.PredictMicrosPerWorkload = (p.Enter - p.Train + p.Predict).Seconds() * 1e6 / float64(max(t.forecasts, 1))
	return out
}

func (t *test) pinball(level float64, peaks []float32) float64 {
	var loss float64
	for j, peak := range peaks {
		m := &t.moments[j]
		loss += Pinball(level, float64(peak/m.Limit), float64(m.Actual/m.Limit))
	}
	return loss / float64(len(peaks))
}

func (t *test) covered(peaks []float32, level float64, in func(j int) bool) Covered {
	c := Covered{}
	held := 0
	for j, peak := range peaks {
		if in(j) {
			c.Windows++
			if !t.violated(j, peak) {
				held++
			}
		}
	}
	if c.Windows > 0 {
		c.Share = float64(held) / float64(c.Windows)
		c.Off = math.Abs(c.Share - level)
	}
	return c
}

// byWeek has the coverage of each seven test days.
func (t *test) byWeek(peaks []float32, level float64) []Covered {
	var out []Covered
	first := 0
	for _, week := range t.weeks() {
		end := first + len(week)
		out = append(out, t.covered(peaks, level, func(j int) bool { return int(t.blocks[j].day) >= first && int(t.blocks[j].day) < end }))
		first = end
	}
	return out
}

func (t *test) coverage(peaks []float32) Coverage {
	level := 1 - t.Risk
	by := func(name func(j int) string) map[string]Covered {
		held, all := map[string]int{}, map[string]int{}
		for j, peak := range peaks {
			n := name(j)
			all[n]++
			if !t.violated(j, peak) {
				held[n]++
			}
		}
		out := map[string]Covered{}
		for n, windows := range all {
			share := float64(held[n]) / float64(windows)
			out[n] = Covered{Windows: windows, Share: share, Off: math.Abs(share - level)}
		}
		return out
	}
	c := Coverage{
		Class: by(func(j int) string {
			if class := t.moments[j].Class; class != "" {
				return string(class)
			}
			return "unlabelled"
		}),
		Age:     by(func(j int) string { return t.ageBucket(t.moments[j].Age) }),
		Weekday: by(func(j int) string { return t.Panel.Time(t.moments[j].Origin).Weekday().String()[:3] }),
	}
	c.Week = t.byWeek(peaks, level)
	return c
}

func (t *test) ageBucket(steps int) string {
	switch age := time.Duration(steps) * t.Panel.Step; {
	case age < 2*time.Hour:
		return "<2h"
	case age < dayLength:
		return "<24h"
	case age < 7*dayLength:
		return "<7d"
	}
	return "older"
}
