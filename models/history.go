package models

import (
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Memory is how far back a History remembers slot by slot. Older usage
// survives in decayed statistics alone.
const Memory = 21 * 24 * time.Hour

// History is what is remembered of one workload: about 6 KiB per resource with
// slots of an hour. It has one owner, who adds samples as they come and reads it
// to make forecasts; it is not safe for concurrent use.
type History struct {
	Key    timeseries.Key // of the newest sample
	slot   time.Duration
	usages []*Usage // by resource name
}

// NewHistory returns an empty history whose slots are those of g.
func NewHistory(g forecast.Grid) *History { return &History{slot: g.Slot} }

// Add remembers s. Samples should come in the order of their time; a late one
// is counted in its own slot, a repeated one is not counted twice, and one from
// before the memory is left out. Usage over the limit counts as the limit. Amounts
// that nothing can use are left out.
func (h *History) Add(s *timeseries.Sample) {
	if h.Key.Workload == "" || !s.Time.Before(h.Last()) {
		h.Key = s.Key
	}
	killed := s.Usage.Get(Killed) > 0
	for n, value := range s.Usage.All() {
		if n == Killed {
			continue // an event, nothing that is used
		}
		if !Usable(n, value) {
			continue
		}
		u := h.usage(n)
		u.add(s.Time, value, s.Limit.Get(n))
		if killed && n == resource.Memory {
			if limit := s.Limit.Get(n); limit > 0 {
				value = limit // it wanted more than it was allowed
			}
			u.floor.raise(s.Time, value)
		}
	}
}

// Usable reports whether an amount of n may have been used: it is a number, and not
// absurd.
func Usable(n resource.Name, amount float64) bool {
	return resource.CheckAmount(n, amount) == nil && amount <= timeseries.MostAmount
}

// Usage returns what is remembered of n, nil when n was never measured. It
// belongs to the history.
func (h *History) Usage(n resource.Name) *Usage {
	if i, ok := h.find(n); ok {
		return h.usages[i]
	}
	return nil
}

// Resources returns the measured resources, sorted by name.
func (h *History) Resources() []resource.Name {
	names := make([]resource.Name, len(h.usages))
	for i, u := range h.usages {
		names[i] = u.resource
	}
	return names
}

// Last returns the time of the newest sample, zero when there is none.
func (h *History) Last() time.Time {
	var last time.Time
	for _, u := range h.usages {
		if u.last.After(last) {
			last = u.last
		}
	}
	return last
}

// First returns the time of the oldest sample, zero when there is none.
func (h *History) First() time.Time {
	var first time.Time
	for _, u := range h.usages {
		if first.IsZero() || u.first.Before(first) {
			first = u.first
		}
	}
	return first
}

func (h *History) usage(n resource.Name) *Usage {
	i, ok := h.find(n)
	if !ok {
		h.usages = slices.Insert(h.usages, i, newUsage(n, h.slot))
	}
	return h.usages[i]
}

func (h *History) find(n resource.Name) (int, bool) {
	return slices.BinarySearchFunc(h.usages, n, func(u *Usage, n resource.Name) int {
		switch {
		case u.resource < n:
			return -1
		case u.resource > n:
			return 1
		}
		return 0
	})
}
