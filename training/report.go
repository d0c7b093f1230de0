package training

import (
	"fmt"
	"time"
)

// Report is what a night did and why. All times are UTC.
type Report struct {
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`

	// Skipped says why nothing was learned, "" when something was.
	Skipped string `json:"skipped,omitempty"`

	Workloads     int       `json:"workloads"`
	Samples       int64     `json:"samples"`
	Judged        int       `json:"judged_workloads"`
	From          time.Time `json:"from"` // learned from, until CalibrateFrom
	CalibrateFrom time.Time `json:"calibrate_from"`
	TestFrom      time.Time `json:"test_from"`
	To            time.Time `json:"to"`
	Seed          uint64    `json:"seed"`
	ReadSeconds   float64   `json:"read_seconds"`

	Targets  []TargetReport  `json:"targets"`
	Machines []MachineReport `json:"machines"`
	Prior    Shared          `json:"prior"`
	Margins  Shared          `json:"margins"`

	Classification ClassificationReport `json:"classification"`

	Warnings []string `json:"warnings,omitempty"`
}

// Shared is an artefact that all classes share.
type Shared struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

func (r *Report) describe(p *plan) {
	r.Workloads, r.Samples, r.Judged, r.Seed = p.workloads, p.samples, len(p.tracks), p.Seed
	if p.tooOld > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d samples are of workloads last seen more than %v before the newest sample and were left out (learn from them with a longer training.history, or import them with --end-now)", p.tooOld, p.Window))
	}
	r.From, r.CalibrateFrom, r.TestFrom, r.To = p.whole.From, p.calibrate.From, p.test.From, p.whole.To
}
