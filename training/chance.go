package training

import "math"

// clustered counts how often something held, apart for each cluster of cases
// that rise and fall together: the hours of one workload overlap, and the
// workloads of one app share their load.
type clustered map[string]*tally

type tally struct{ cases, held int }

func (c *clustered) count(cluster string, held bool) {
	if *c == nil {
		*c = clustered{}
	}
	t := (*c)[cluster]
	if t == nil {
		t = &tally{}
		(*c)[cluster] = t
	}
	t.cases++
	if held {
		t.held++
	}
}

func (c clustered) share() float64 {
	var all tally
	for _, t := range c {
		all.cases += t.cases
		all.held += t.held
	}
	return float64(all.held) / float64(all.cases)
}

// chance is how far the share may lie from that of endless cases of the same
// kind, to one side, at a confidence of 98.3 %: Student's t times the
// cluster-robust standard error of a ratio (Cochran, Sampling Techniques, 3rd
// edition, 9.8). Three levels are tested at once, so that all hold at 95 %
// (Bonferroni). It is -1 for a single cluster, which tells nothing.
func (c clustered) chance() float64 {
	const z = 2.128 // of the normal distribution at 1 - .05/3
	n := float64(len(c))
	if n < 2 {
		return -1
	}
	share := c.share()
	var cases, squares float64
	for _, name := range sortedKeys(c) {
		t := c[name]
		off := float64(t.held) - share*float64(t.cases)
		squares += off * off
		cases += float64(t.cases)
	}
	return studentT(z, n-1) * math.Sqrt(squares*n/(n-1)) / cases
}

// studentT returns the quantile of Student's t with df degrees of freedom whose
// normal counterpart is z (Abramowitz and Stegun, 26.7.5).
func studentT(z, df float64) float64 {
	z3, z5, z7 := math.Pow(z, 3), math.Pow(z, 5), math.Pow(z, 7)
	return z + (z3+z)/(4*df) + (5*z5+16*z3+3*z)/(96*df*df) + (3*z7+19*z5+17*z3-15*z)/(384*df*df*df)
}
