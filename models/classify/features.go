package classify

import (
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

// A point has one coordinate per column, NaN where nothing is known. A fitted
// classifier with other columns is refused.

// requestColumns are of what a workload may use.
func requestColumns() []string {
	return []string{"log2_cores", "log2_memory_gib", "log2_gib_per_core", "has_gpu", "log2_gpus"}
}

// usageColumns add how it behaved.
func usageColumns() []string {
	return append(requestColumns(),
		"cpu_mean", "cpu_variation", "cpu_p95", "cpu_burst", "cpu_day_night", "cpu_yesterday", "cpu_next", "cpu_idle", "cpu_weekend",
		"memory_mean", "memory_variation", "memory_trend", "memory_next",
		"gpu_mean", "gpu_variation", "log2_hours")
}

// requestPoint returns what s may use as a point; ok is false when it has said
// nothing.
func requestPoint(s *models.Subject) (p []float64, ok bool) {
	cores, memory, gpus := s.Limit(resource.CPU), s.Limit(resource.Memory)/(1<<30), s.Limit(resource.GPU)
	has := 0.0
	if gpus > 0 {
		has = 1
	}
	return []float64{log2(cores), log2(memory), log2(memory / cores), has, log2(gpus)}, cores > 0 || memory > 0 || gpus > 0
}

// leastSlots is the fewest measured slots that show a behaviour.
const leastSlots = 2

// usagePoint returns how s behaved until a moment as a point, after what it may
// use; ok is false when too little of it was seen.
func usagePoint(s *models.Subject, until time.Time) (p []float64, ok bool) {
	cpu, memory, gpu := recall(s, resource.CPU, until), recall(s, resource.Memory, until), recall(s, resource.GPU, until)
	if max(len(cpu.slots), len(memory.slots), len(gpu.slots)) < leastSlots {
		return nil, false
	}
	p, _ = requestPoint(s)
	p = append(p,
		cpu.mean(), cpu.variation(), log2(cpu.p95()/cpu.mean()), cpu.burst(), cpu.dayNight(),
		cpu.sameAs(24*time.Hour), cpu.sameAs(time.Hour), cpu.idle(), cpu.weekend(),
		memory.mean(), memory.variation(), memory.trend(), memory.sameAs(time.Hour),
		gpu.mean(), gpu.variation(),
		log2(1+max(cpu.hours(), memory.hours(), gpu.hours())))
	return p, true
}

// past is what was seen of one resource of one workload, as shares of its
// limit, or of its peak where it has none.
type past struct {
	slots []models.Slot // by rising start; Mean and Max are shares
}

func recall(s *models.Subject, n resource.Name, until time.Time) past {
	if s.History == nil {
		return past{}
	}
	u := s.History.Usage(n)
	if u == nil {
		return past{}
	}
	scale := s.Limit(n)
	if scale <= 0 {
		scale = u.Peak()
	}
	if scale <= 0 {
		scale = 1
	}
	var p past
	for slot := range u.Recall() {
		if slot.Start.After(until) {
			break
		}
		slot.Mean, slot.Max = slot.Mean/scale, slot.Max/scale
		p.slots = append(p.slots, slot)
	}
	return p
}

// little is added to shares before they are divided by each other.
const little = .002

func (p past) mean() float64 {
	return mean(p.slots, func(s models.Slot) float64 { return s.Mean })
}

// variation is the standard deviation over the mean.
func (p past) variation() float64 {
	m := p.mean()
	square := mean(p.slots, func(s models.Slot) float64 { return (s.Mean - m) * (s.Mean - m) })
	return math.Log1p(math.Sqrt(square) / (m + little))
}

func (p past) p95() float64 {
	if len(p.slots) == 0 {
		return math.NaN()
	}
	maxima := make([]float64, len(p.slots))
	for i, s := range p.slots {
		maxima[i] = s.Max
	}
	slices.Sort(maxima)
	return maxima[int(.95*float64(len(maxima)-1))]
}

// burst is how far maxima stand above means within a slot, in doublings.
func (p past) burst() float64 {
	return mean(p.slots, func(s models.Slot) float64 { return log2((s.Max + little) / (s.Mean + little)) })
}

// idle is the share of slots that never passed a twentieth.
func (p past) idle() float64 {
	return mean(p.slots, func(s models.Slot) float64 {
		if s.Max < .05 {
			return 1
		}
		return 0
	})
}

// dayNight is the mean of the eight busiest hours of the day over that of the
// eight quietest, in doublings; NaN before every hour has been seen.
func (p past) dayNight() float64 {
	var sum, count [24]float64
	for _, s := range p.slots {
		sum[s.Start.UTC().Hour()] += s.Mean
		count[s.Start.UTC().Hour()]++
	}
	for h := range sum {
		sum[h] /= count[h] // NaN for an hour never seen, which any sum below keeps
	}
	slices.Sort(sum[:])
	var quiet, busy float64
	for i := range 8 {
		quiet, busy = quiet+sum[i], busy+sum[len(sum)-1-i]
	}
	return log2((busy + 8*little) / (quiet + 8*little))
}

// weekend is the mean of weekends over that of working days, in doublings; NaN
// before a day of each has been seen.
func (p past) weekend() float64 {
	var off, on []models.Slot
	for _, s := range p.slots {
		if d := s.Start.UTC().Weekday(); d == time.Saturday || d == time.Sunday {
			off = append(off, s)
		} else {
			on = append(on, s)
		}
	}
	const day = 24
	if len(off) < day || len(on) < day {
		return math.NaN()
	}
	return log2((past{off}.mean() + little) / (past{on}.mean() + little))
}

// trend is the correlation of usage with time.
func (p past) trend() float64 {
	var c correlation
	for i, s := range p.slots {
		c.add(float64(i), s.Mean)
	}
	return c.value()
}

// sameAs is the correlation of usage with that of some time before.
func (p past) sameAs(before time.Duration) float64 {
	var c correlation
	earlier := 0
	for _, s := range p.slots {
		at := s.Start.Add(-before)
		for p.slots[earlier].Start.Before(at) {
			earlier++
		}
		if p.slots[earlier].Start.Equal(at) {
			c.add(p.slots[earlier].Mean, s.Mean)
		}
	}
	return c.value()
}

func (p past) hours() float64 {
	if len(p.slots) == 0 {
		return 0
	}
	return p.slots[len(p.slots)-1].Start.Sub(p.slots[0].Start).Hours()
}

// correlation is Pearson's, of pairs as they come.
type correlation struct {
	n, x, y, xx, yy, xy float64
}

func (c *correlation) add(x, y float64) {
	c.n++
	c.x, c.y = c.x+x, c.y+y
	c.xx, c.yy, c.xy = c.xx+x*x, c.yy+y*y, c.xy+x*y
}

// value is NaN for fewer than three pairs, and 0 where either side is constant.
func (c *correlation) value() float64 {
	if c.n < 3 {
		return math.NaN()
	}
	x, y := c.xx-c.x*c.x/c.n, c.yy-c.y*c.y/c.n
	if x <= 1e-12*c.xx || y <= 1e-12*c.yy {
		return 0
	}
	return (c.xy - c.x*c.y/c.n) / math.Sqrt(x*y)
}

func mean(slots []models.Slot, of func(models.Slot) float64) float64 {
	var sum float64
	for _, s := range slots {
		sum += of(s)
	}
	return sum / float64(len(slots)) // NaN of nothing
}

// log2 is NaN where it is not finite.
func log2(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.NaN()
	}
	return math.Log2(x)
}
