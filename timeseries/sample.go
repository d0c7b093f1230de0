package timeseries

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Key names a series of samples: whose usage it is and who measured it. Two
// samples of the same Key and Time are the same sample, so writing one twice
// stores it once.
type Key struct {
	Workload string         // id of the workload, unique in the fleet
	App      string         // the application it belongs to, "" when unknown
	Class    workload.Class // "" when not yet classified
	Queue    string
	Node     string // the machine it ran on, "" when unknown
	Source   string // who measured it: "host", "push", "bitbrains:2013-8.csv.gz", "synthetic:1"
}

// Sample is what one workload used over the interval that ends at Time.
type Sample struct {
	Key  Key
	Time time.Time // end of the measured interval, millisecond resolution, UTC

	// Usage is the mean over the interval of each measured resource, in base
	// units. A resource that was not measured is absent.
	Usage resource.Vector

	// Limit is what the workload was allowed at Time; absent when unknown.
	Limit resource.Vector
}

// Validate reports why s cannot be stored: it needs a workload, a time and
// at least one measured resource, all amounts finite and not negative. A Time
// after latest (now plus the tolerated clock skew) is refused too; a zero latest
// turns that check off.
func (s *Sample) Validate(latest time.Time) error {
	switch {
	case s.Key.Workload == "":
		return fmt.Errorf("sample: no workload")
	case s.Time.IsZero() || s.Time.UnixMilli() <= 0:
		return fmt.Errorf("sample of %s: time %v is not after 1970", s.Key.Workload, s.Time)
	case !latest.IsZero() && s.Time.After(latest):
		return fmt.Errorf("sample of %s: time %s is in the future (latest accepted %s)", s.Key.Workload, s.Time.UTC().Format(time.RFC3339), latest.UTC().Format(time.RFC3339))
	case s.Usage.Len() == 0:
		return fmt.Errorf("sample of %s at %s: no usage", s.Key.Workload, s.Time.UTC().Format(time.RFC3339))
	}
	if err := s.Usage.Validate(); err != nil {
		return fmt.Errorf("sample of %s at %s: usage: %w", s.Key.Workload, s.Time.UTC().Format(time.RFC3339), err)
	}
	if err := s.Limit.Validate(); err != nil {
		return fmt.Errorf("sample of %s at %s: limit: %w", s.Key.Workload, s.Time.UTC().Format(time.RFC3339), err)
	}
	return nil
}
