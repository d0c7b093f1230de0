package trial

import "fmt"

// Alpha is the error rate of every decision: how often chance alone may take a
// model out of service, or put one in.
const Alpha = .05

// promised are the levels whose quantiles must hold for a model to serve, by
// rising level: what is placed by.
var promised = [...]float64{.95, .98, .99}

// Promised returns the levels whose promises are tested.
func Promised() []float64 { return promised[:] }

// tolerance is by how much a quantile may hold less often than it says and still
// count as kept: half a point in a hundred at 98 % and above, a point below. It is
// what calibration is asked to reach, on traces it was not made for.
func tolerance(level float64) float64 {
	if level >= .98 {
		return .005
	}
	return .01
}

// Broken reports whether a level's quantiles are shown to be passed more often
// than promised: misses is the share of cases that passed them. The levels are
// tested together (Bonferroni).
func Broken(level float64, misses Estimate) bool {
	return misses.Above(1-level+tolerance(level), Alpha/float64(len(promised)))
}

// Describe says how often a level held, for people.
func Describe(level float64, misses Estimate) string {
	return fmt.Sprintf("its %g %% quantile held in %.1f %% of %d cases (%.1f %% at most allowing for chance, want %.1f %%)",
		100*level, 100*(1-misses.Mean), misses.Cases, 100*min(1, 1-misses.Mean+misses.Reach(Alpha/float64(len(promised)))), 100*(level-tolerance(level)))
}
