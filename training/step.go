package training

import (
	"cmp"
	"slices"
	"time"

	"github.com/auspex-project/auspex/internal/store"
)

// steps are the grids sums of workloads may be taken on, finest first.
var steps = [...]time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour}

// sparse is how much further apart than a step samples may be on average: some are
// missing everywhere.
const sparse = 1.2

// stepOf returns the finest grid that divides slot and on which three quarters of
// the samples fill step after step: on a finer one workloads that are measured
// every half hour would seem to be gone most of the time.
func stepOf(stats []store.SeriesStat, slot time.Duration) time.Duration {
	type spacing struct {
		apart   time.Duration
		samples int64
	}
	var all []spacing
	var total int64
	for _, s := range stats {
		if s.Samples > 1 {
			all = append(all, spacing{s.Last.Sub(s.First) / time.Duration(s.Samples-1), s.Samples})
			total += s.Samples
		}
	}
	slices.SortFunc(all, func(a, b spacing) int { return cmp.Compare(a.apart, b.apart) })
	var apart time.Duration
	var below int64
	for _, s := range all {
		apart = s.apart
		if below += s.samples; 4*below >= 3*total {
			break
		}
	}
	for _, step := range steps {
		if step <= slot && slot%step == 0 && float64(apart) <= sparse*float64(step) {
			return step
		}
	}
	return slot
}
