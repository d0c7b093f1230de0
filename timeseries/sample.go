package timeseries

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

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

// maxKeyField bounds the parts of a Key in bytes: long enough for any cgroup
// path in use, short enough for an index.
const maxKeyField = 1024

// Validate reports why k cannot name a series: it needs a workload, and every
// part must be valid UTF-8 of at most 1024 bytes without NUL.
func (k Key) Validate() error {
	if k.Workload == "" {
		return fmt.Errorf("no workload")
	}
	for i, part := range k.parts() {
		switch {
		case len(part) > maxKeyField:
			return fmt.Errorf("%s %.20q...: longer than %d bytes", keyPart[i], part, maxKeyField)
		case !utf8.ValidString(part):
			return fmt.Errorf("%s %q: not valid UTF-8", keyPart[i], part)
		case strings.IndexByte(part, 0) >= 0:
			return fmt.Errorf("%s %q: holds a NUL character", keyPart[i], part)
		}
	}
	return nil
}

// Compare orders keys by workload, app, class, queue, node and source, each byte
// by byte.
func (k Key) Compare(o Key) int {
	a, b := k.parts(), o.parts()
	for i := range a {
		if c := cmp.Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

var keyPart = [...]string{"workload", "app", "class", "queue", "node", "source"}

// parts returns the fields of k in the order of keyPart.
func (k Key) parts() [len(keyPart)]string {
	return [...]string{k.Workload, k.App, string(k.Class), k.Queue, k.Node, k.Source}
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

// lastYear is the last whole year whose times fit into 64 bits of nanoseconds.
const lastYear = 2261

// MostAmount is more than anything uses, and small enough that the sum of a
// hundred is finite in 32 bits. Whoever takes samples in refuses larger amounts;
// stores keep any.
const MostAmount = 1e36

// Validate reports why s cannot be stored: it needs a valid key, a time from
// 1970 to 2261 and at least one measured resource, all amounts finite and not
// negative. A Time after latest (now plus the tolerated clock skew) is refused
// too; a zero latest turns that check off.
func (s *Sample) Validate(latest time.Time) error {
	if err := s.Key.Validate(); err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	switch {
	case s.Time.Year() < 1970 || s.Time.UnixMilli() <= 0:
		return fmt.Errorf("sample of %s: time %v is not after 1970", s.Key.Workload, s.Time)
	case !latest.IsZero() && s.Time.After(latest):
		return fmt.Errorf("sample of %s: time %s is in the future (latest accepted %s)", s.Key.Workload, s.Time.UTC().Format(time.RFC3339), latest.UTC().Format(time.RFC3339))
	case s.Time.UTC().Year() > lastYear:
		return fmt.Errorf("sample of %s: time %v is after %d", s.Key.Workload, s.Time, lastYear)
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
