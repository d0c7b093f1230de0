package collector

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Reason says in one word why a sample was refused; it labels the metric.
type Reason string

const (
	NoWorkload      Reason = "no_workload"
	BadLabel        Reason = "bad_label" // a part of the key is too long or no text
	BadTime         Reason = "bad_time"
	Future          Reason = "future"
	NoUsage         Reason = "no_usage"
	NotFinite       Reason = "not_finite"
	Negative        Reason = "negative"
	TooLarge        Reason = "too_large"
	UnknownResource Reason = "unknown_resource"
)

var reasons = []Reason{NoWorkload, BadLabel, BadTime, Future, NoUsage, NotFinite, Negative, TooLarge, UnknownResource}

// check returns why s cannot be accepted, or a nil error. A time after latest is
// in the future; custom holds the resources known beside the standard ones.
func check(s *timeseries.Sample, latest time.Time, custom map[resource.Name]bool) (Reason, error) {
	for _, v := range [...]resource.Vector{s.Usage, s.Limit} {
		for name := range v.All() {
			if name.Unit() == resource.Count && !custom[name] {
				return UnknownResource, fmt.Errorf("sample of %s: resource %q is neither standard nor configured", s.Key.Workload, name)
			}
		}
	}
	if err := s.Validate(latest); err != nil {
		return reasonOf(s, latest), err
	}
	for _, v := range [...]resource.Vector{s.Usage, s.Limit} {
		for name, amount := range v.All() {
			if amount > timeseries.MostAmount {
				return TooLarge, fmt.Errorf("sample of %s: %s is %g %s (want at most %g)", s.Key.Workload, name, amount, name.Unit(), float64(timeseries.MostAmount))
			}
		}
	}
	for _, label := range [...]string{s.Key.Workload, s.Key.App, string(s.Key.Class), s.Key.Queue, s.Key.Node} {
		if strings.ContainsFunc(label, control) {
			return BadLabel, fmt.Errorf("sample of %q: label %q holds a control character", s.Key.Workload, label)
		}
	}
	return "", nil
}

// control reports what the API refuses in texts: characters that control,
// format or separate lines.
func control(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
}

// reasonOf classes what Validate has found wrong.
func reasonOf(s *timeseries.Sample, latest time.Time) Reason {
	switch {
	case s.Key.Workload == "":
		return NoWorkload
	case s.Key.Validate() != nil:
		return BadLabel
	case s.Time.Year() < 1970 || s.Time.UnixMilli() <= 0:
		return BadTime
	case !latest.IsZero() && s.Time.After(latest):
		return Future
	case s.Usage.Len() == 0:
		return NoUsage
	}
	for _, v := range [...]resource.Vector{s.Usage, s.Limit} {
		for _, amount := range v.All() {
			if math.IsNaN(amount) || math.IsInf(amount, 0) {
				return NotFinite
			}
		}
	}
	return Negative
}
