package gbdt

import "math"

// squared is the loss whose minimum is the mean. Its gradient is the residual, which takes any value: told as a share
// of reach, in units of the row's weight, it fits in the integers that histograms sum, and splits are scored like those
// of the median.
type squared struct{ reach float32 }

// meanQuantile stands for the mean where models keep their quantile.
const meanQuantile = 0

func (squared) loss(y, f float32, censored bool) float64 {
	r := float64(y) - float64(f)
	if censored && r < 0 {
		return 0
	}
	return r * r
}

// stat is what one row adds: as pinball.stat at .5 where the residual is reach or -reach, and in proportion between. A
// censored row the prediction has passed adds nothing.
func (s squared) stat(y, f float32, weight uint32, censored bool) stat {
	if censored && y <= f {
		return 0
	}
	share := .5 + .5*float64((y-f)/s.reach)
	return newStat(weight, uint32(math.RoundToEven(min(max(share, 0), 1)*float64(weight))))
}

// mean returns the mean of the residuals, without those of censored rows the prediction has passed.
func mean(rs []residual) float32 {
	var sum, total float64
	for _, r := range rs {
		v := r.value()
		if r.censored() && v <= 0 {
			continue
		}
		sum += float64(r.weight()) * float64(v)
		total += float64(r.weight())
	}
	if total == 0 {
		return 0
	}
	return float32(sum / total)
}

// reach returns the largest residual of all rows, above zero.
func (b *booster) reach() float32 {
	n := b.train.rows
	parts := make([]float32, chunks(n))
	b.grower.do(len(parts), func(_, task int) {
		for i, hi := chunk(task, n); i < hi; i++ {
			r := b.train.Targets[i] - b.scores[i]
			parts[task] = max(parts[task], r, -r)
		}
	})
	largest := float32(math.SmallestNonzeroFloat32)
	for _, r := range parts {
		largest = max(largest, r)
	}
	return largest
}
