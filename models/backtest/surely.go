package backtest

import "math"

// sure is how many standard errors a rate is not passed by in 95 of 100 cases.
const sure = 1.645

// surely returns the margin with which no more than risk of outcomes, in rising
// order, would have been violations, nor of others at a confidence of 95 %: sure
// standard errors of the rate are added to it, machines and days being drawn and
// not hours. Each machine has copies, itself included, that share its workloads.
func surely(outcomes []outcome, risk float64, copies int) float32 {
	machines, days := newSpread(len(outcomes)), newSpread(len(outcomes))
	for _, o := range outcomes {
		machines.count(o.machine)
		days.count(o.day)
	}
	for i := len(outcomes) - 1; i > 0; i-- {
		machines.violate(outcomes[i].machine)
		days.violate(outcomes[i].day)
		rate := float64(len(outcomes)-i) / float64(len(outcomes))
		if rate+sure*math.Sqrt(machines.variance(rate)*float64(copies)+days.variance(rate)) > risk {
			return outcomes[i].needed
		}
	}
	return outcomes[0].needed
}

// spread says how unevenly violations lie over groups of cases.
type spread struct {
	n                 float64 // cases
	cases, violations map[int32]float64
	vv, vn, nn        float64 // sums over groups of products of both
}

func newSpread(n int) *spread {
	return &spread{n: float64(n), cases: map[int32]float64{}, violations: map[int32]float64{}}
}

func (s *spread) count(group int32) {
	s.nn += 2*s.cases[group] + 1
	s.cases[group]++
}

func (s *spread) violate(group int32) {
	s.vv += 2*s.violations[group] + 1
	s.vn += s.cases[group]
	s.violations[group]++
}

// variance is that of the rate, by linearisation of the ratio (Cochran, "Sampling
// techniques", section 6.3).
func (s *spread) variance(rate float64) float64 {
	return max(0, (s.vv-2*rate*s.vn+rate*rate*s.nn)/(s.n*s.n))
}
