package collector

import (
	"fmt"
	"math"
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
	BadLabel        Reason = "bad_label" // a key that is too long or no text
	BadTime         Reason = "bad_time"
	Future          Reason = "future"
	NoUsage         Reason = "no_usage"
	NotFinite       Reason = "not_finite"
	Negative        Reason = "negative"
	UnknownResource Reason = "unknown_resource"
)

var reasons = []Reason{NoWorkload, BadLabel, BadTime, Future, NoUsage, NotFinite, Negative, UnknownResource}

// maxLabelBytes bounds each field of a key, so that every store can hold it.
const maxLabelBytes = 1024

// check returns why s cannot be accepted, or a nil error. A time after latest is
// in the future; custom holds the resources known beside the standard ones.
func check(s *timeseries.Sample, latest time.Time, custom map[resource.Name]bool) (Reason, error) {
	if reason, err := checkLabels(&s.Key); err != nil {
		return reason, err
	}
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
	return "", nil
}

func checkLabels(k *timeseries.Key) (Reason, error) {
	if k.Workload == "" {
		return NoWorkload, fmt.Errorf("sample: no workload")
	}
	for _, f := range [...]struct{ name, text string }{
		{"workload", k.Workload}, {"app", k.App}, {"class", string(k.Class)},
		{"queue", k.Queue}, {"node", k.Node}, {"source", k.Source},
	} {
		switch {
		case len(f.text) > maxLabelBytes:
			return BadLabel, fmt.Errorf("sample: %s of %d bytes is longer than %d", f.name, len(f.text), maxLabelBytes)
		case !printable(f.text):
			return BadLabel, fmt.Errorf("sample: %s %.100q holds control characters or is not UTF-8", f.name, f.text)
		}
	}
	return "", nil
}

func printable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// reasonOf classes what Validate has found wrong.
func reasonOf(s *timeseries.Sample, latest time.Time) Reason {
	switch {
	case s.Time.IsZero() || s.Time.UnixMilli() <= 0:
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
