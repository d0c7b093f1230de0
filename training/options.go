package training

import (
	"fmt"
	"runtime"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Options say how a night is spent. The zero value is the default of every
// field.
type Options struct {
	Grid      forecast.Grid   // default forecast.DefaultGrid()
	Resources []resource.Name // default CPU, memory, GPU and GPU memory; what nothing was measured of is left out

	// Window is how much history is read, back from its end. Default 63 days.
	Window time.Duration
	// TestDays are kept at the end for judging, CalibrateDays before them for
	// calibrating quantiles; margins of machines are calibrated on MarginDays
	// before the test. Default 7, 7 and 28, less where the history is short.
	TestDays, CalibrateDays, MarginDays int
	// Step is the grid on which sums of workloads are taken. Default the finest, from
	// 5 minutes on, that the history fills.
	Step time.Duration

	// MaxRows bounds the rows a model is fitted on. Default 200,000.
	MaxRows int
	// MinRows is the fewest rows a class needs for a model of its own; classes
	// with fewer share one. Default 5,000.
	MinRows int
	// MaxTracks bounds the workloads judged and composed into machines. Default
	// 1,000; each takes about 400 KiB per resource and month.
	MaxTracks int
	// Trees is the most trees per quantile. Default 150.
	Trees int

	// Risk is the nominal violation rate the report is written for. Default .01.
	Risk float64
	// Machine is the number of workloads a machine has in the report. Default 12.
	Machine int

	// AtOnce lets a winner serve at once that would replace a champion which still
	// keeps its promises. Otherwise it is put in shadow, and package serving ends the
	// trial. Where nothing good serves the winner does, at once, in any case.
	AtOnce bool

	// Keep is how many former champions of each role can be rolled back to once the
	// night is over; what else nothing refers to is removed. Default 14.
	Keep int

	Seed    uint64
	Workers int // default GOMAXPROCS; does not change the outcome

	// OnProgress, if set, hears how far the night is. Calls do not overlap.
	OnProgress func(Progress)
}

// Progress is how far one phase of a night is.
type Progress struct {
	Phase string // "read", "fit cpu of service", "judge cpu", ...
	Done  int
	Total int // 0 when not known
}

func (o Options) withDefaults() (Options, error) {
	if o.Grid == (forecast.Grid{}) {
		o.Grid = forecast.DefaultGrid()
	}
	if len(o.Resources) == 0 {
		o.Resources = []resource.Name{resource.CPU, resource.Memory, resource.GPU, resource.GPUMemory}
	}
	fill(&o.Window, 63*24*time.Hour)
	fill(&o.TestDays, 7)
	fill(&o.CalibrateDays, 7)
	fill(&o.MarginDays, 28)
	fill(&o.MaxRows, 200_000)
	fill(&o.MinRows, 5_000)
	fill(&o.MaxTracks, 1_000)
	fill(&o.Trees, 150)
	fill(&o.Risk, .01)
	fill(&o.Machine, 12)
	fill(&o.Keep, 14)
	fill(&o.Workers, runtime.GOMAXPROCS(0))
	if o.OnProgress == nil {
		o.OnProgress = func(Progress) {}
	}
	if err := o.Grid.Validate(); err != nil {
		return o, fmt.Errorf("training options: %w", err)
	}
	switch {
	case o.Window < 2*o.Grid.Span():
		return o, fmt.Errorf("training options: window of %v (want at least twice the grid's span, %v)", o.Window, 2*o.Grid.Span())
	case o.Step < 0 || o.Step > 0 && o.Grid.Slot%o.Step != 0:
		return o, fmt.Errorf("training options: step %v does not divide the grid's slot %v", o.Step, o.Grid.Slot)
	case !(o.Risk > 0 && o.Risk < 1):
		return o, fmt.Errorf("training options: risk %g is not between 0 and 1", o.Risk)
	case o.TestDays < 1 || o.CalibrateDays < 1 || o.MarginDays < 1 || o.MaxRows < 1 || o.MinRows < 1 || o.MaxTracks < 1 || o.Trees < 1 || o.Machine < 1 || o.Keep < 1 || o.Workers < 1:
		return o, fmt.Errorf("training options: a negative count")
	}
	for _, n := range o.Resources {
		if err := n.Validate(); err != nil {
			return o, fmt.Errorf("training options: %w", err)
		}
	}
	return o, nil
}

func fill[T int | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
