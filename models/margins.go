package models

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// risks are those margins are calibrated for, falling as forecast.Band wants.
var risks = [...]float64{.1, .05, .02, .01, .005, .002, .001}

// CalibrateBand returns the margins that would have held on past nodes of at
// most members workloads: needed has, for each node and moment, the smallest
// margin with which the forecast was not exceeded (forecast.Needed), and the day. It
// reorders needed. Risks that so few cases cannot promise are left out.
func CalibrateBand(n resource.Name, members int, needed []DayScore) forecast.Band {
	b := forecast.Band{Resource: n, MaxMembers: members}
	for _, risk := range risks {
		if q, ok := NodeMargin(needed, risk); ok {
			b.Points = append(b.Points, forecast.Point{Risk: risk, Q: q})
		}
	}
	return b
}

// NodeMargin returns the margin for a risk that past nodes needed, which it reorders;
// ok is false where they are too few to tell. All nodes share the day, and a few bad
// days make most of the misses (docs/models.md). It is never below 0, the sum of
// profiles: below it more would be promised away than weeks can show to hold.
func NodeMargin(needed []DayScore, risk float64) (q float32, ok bool) {
	q, ok = ConformalByDay(needed, 1-risk)
	return max(0, q), ok
}

// NodeMargins are margins by what tells the slots that are summed: those of one
// are wrong for sums of another.
type NodeMargins struct {
	Bands []SumBand
}

// SumBand is a band of margins, and the artefact of the Profiler whose sums it was
// calibrated on, "" for what earlier days tell.
type SumBand struct {
	forecast.Band
	Profiler string `json:",omitempty"`

	// Learned are the models whose peaks were in the sums, sorted; nil where that was
	// not noted.
	Learned []string
}

// Of returns the margins for what tells slots now, by resource ("" or missing:
// earlier days). Resources that others know margins of and this does not are in
// unknown: their sums count as sums of peaks.
func (m NodeMargins) Of(profilers map[resource.Name]string) (of forecast.Margins, unknown []resource.Name) {
	for _, b := range m.Bands {
		if b.Profiler == profilers[b.Resource] {
			of.Bands = append(of.Bands, b.Band)
		}
	}
	for _, n := range m.Resources() {
		if !m.Knows(n, profilers[n]) {
			unknown = append(unknown, n)
		}
	}
	return of, unknown
}

// Resources returns what there are margins for, sorted.
func (m NodeMargins) Resources() []resource.Name {
	var names []resource.Name
	for _, b := range m.Bands {
		names = append(names, b.Resource)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Knows reports whether margins were calibrated on sums of n by a profiler.
func (m NodeMargins) Knows(n resource.Name, profiler string) bool {
	return slices.ContainsFunc(m.Bands, func(b SumBand) bool { return b.Resource == n && b.Profiler == profiler })
}

// For returns the part of m for sums of n by a profiler.
func (m NodeMargins) For(n resource.Name, profiler string) (part NodeMargins) {
	for _, b := range m.Bands {
		if b.Resource == n && b.Profiler == profiler {
			part.Bands = append(part.Bands, b)
		}
	}
	return part
}

// Without returns the rest of m.
func (m NodeMargins) Without(n resource.Name, profiler string) (rest NodeMargins) {
	for _, b := range m.Bands {
		if b.Resource != n || b.Profiler != profiler {
			rest.Bands = append(rest.Bands, b)
		}
	}
	return rest
}

// Apart returns how many models raised the peaks in sums of n by a profiler and are not
// among learned, or the other way round; noted is false where that was not noted.
func (m NodeMargins) Apart(n resource.Name, profiler string, learned []string) (apart int, noted bool) {
	i := slices.IndexFunc(m.Bands, func(b SumBand) bool { return b.Resource == n && b.Profiler == profiler })
	if i < 0 || m.Bands[i].Learned == nil {
		return 0, false
	}
	apart = len(learned) + len(m.Bands[i].Learned)
	for _, id := range m.Bands[i].Learned {
		if slices.Contains(learned, id) {
			apart -= 2
		}
	}
	return apart, true
}

// Add appends the bands of other.
func (m *NodeMargins) Add(other NodeMargins) {
	m.Bands = append(m.Bands[:len(m.Bands):len(m.Bands)], other.Bands...)
}

const marginsFile = "margins.json"

// EncodeMargins returns m as the files of an artefact.
func EncodeMargins(m NodeMargins) (map[string][]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode margins: %w", err)
	}
	return map[string][]byte{marginsFile: data}, nil
}

// DecodeMargins reads what EncodeMargins wrote.
func DecodeMargins(files map[string][]byte) (NodeMargins, error) {
	var m NodeMargins
	if err := json.Unmarshal(files[marginsFile], &m); err != nil {
		return NodeMargins{}, fmt.Errorf("decode margins: %s: %w", marginsFile, err)
	}
	var all forecast.Margins
	for _, b := range m.Bands {
		all.Bands = append(all.Bands, b.Band)
	}
	if err := all.Validate(); err != nil {
		return NodeMargins{}, fmt.Errorf("decode margins: %w", err)
	}
	return m, nil
}
