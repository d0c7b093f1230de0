package trial

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a mean and how sure it is.
type Estimate struct {
	Mean    float64
	Error   float64 // standard error; +Inf where nothing can be told
	Freedom int     // degrees of freedom of the error
	Cases   int
}

// Reach returns how far the mean of endless cases of the same kind may lie to one
// side of Mean, at an error rate: Student's t times the standard error.
func (e Estimate) Reach(errorRate float64) float64 {
	if e.Error == 0 {
		return 0
	}
	if e.Freedom < 1 || math.IsInf(e.Error, 1) {
		return math.Inf(1)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(e.Freedom)}
	return t.Quantile(1-errorRate) * e.Error
}

// Above reports whether the mean is shown to lie above x: chance alone would
// make it look so with at most the error rate.
func (e Estimate) Above(x, errorRate float64) bool { return e.Mean-e.Reach(errorRate) > x }

// Below is the other side of Above.
func (e Estimate) Below(x, errorRate float64) bool { return e.Mean+e.Reach(errorRate) < x }
