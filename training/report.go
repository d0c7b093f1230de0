package training

import (
	"fmt"
	"strings"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
)

// Report is what a night did and why. All times are UTC.
type Report struct {
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`

	// Skipped says why nothing was learned, "" when something was.
	Skipped string `json:"skipped,omitempty"`

	// Resumed says that an interrupted night was gone on with.
	Resumed bool `json:"resumed,omitempty"`

	Workloads     int       `json:"workloads"`
	Samples       int64     `json:"samples"`
	Judged        int       `json:"judged_workloads"`
	From          time.Time `json:"from"` // learned from, until CalibrateFrom
	CalibrateFrom time.Time `json:"calibrate_from"`
	TestFrom      time.Time `json:"test_from"`
	To            time.Time `json:"to"`
	Seed          uint64    `json:"seed"`

	Horizon time.Duration `json:"horizon"` // that forecasts look ahead, nanoseconds

	ReadSeconds float64 `json:"read_seconds"`

	Targets  []TargetReport  `json:"targets"`
	Profiles []ProfileReport `json:"profiles"`
	Machines []MachineReport `json:"machines"`
	Prior    Shared          `json:"prior"`
	Margins  Shared          `json:"margins"`

	Classification ClassificationReport `json:"classification"`

	// Online is what became of forecasts in service over the last two weeks.
	Online []trial.Summary `json:"measured_in_service,omitempty"`

	Pruned Pruned `json:"pruned"` // of earlier nights

	Warnings []string `json:"warnings,omitempty"`
	Gaps     []string `json:"gaps,omitempty"` // what the history lacks
}

// Pruned is what was removed because nothing needs it any more.
type Pruned struct {
	Artefacts []string `json:"artefacts,omitempty"` // ids
	Pages     []string `json:"pages,omitempty"`     // folders of reports
}

// String says what was removed, "" for nothing.
func (p Pruned) String() string {
	var parts []string
	if len(p.Artefacts) > 0 {
		parts = append(parts, "artefacts "+strings.Join(p.Artefacts, ", "))
	}
	if len(p.Pages) > 0 {
		parts = append(parts, "reports "+strings.Join(p.Pages, ", "))
	}
	return strings.Join(parts, "; ")
}

// Shared is an artefact that all classes share.
type Shared struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

func (r *Report) describe(p *plan) {
	r.Workloads, r.Samples, r.Judged, r.Seed = p.workloads, p.samples, len(p.tracks), p.Seed
	if p.tooOld > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d samples are of workloads last seen more than %.0f days before the newest sample and were left out (learn from them with a longer training.history, or import them with --end-now)", p.tooOld, p.Window.Hours()/24))
	}
	r.Horizon = p.Grid.Span()
	r.From, r.CalibrateFrom, r.TestFrom, r.To = p.whole.From, p.calibrate.From, p.test.From, p.whole.To
}

// recall adds what became of forecasts in service.
func (r *Report) recall(from *registry.Registry) {
	record := &trial.Record{Levels: models.Levels()}
	if err := from.DecodeNote(registry.RecordNote, record); err != nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("what became of forecasts in service: %v", err))
		return
	}
	r.Online = record.Summaries(func(*trial.Entry) bool { return true })
}
