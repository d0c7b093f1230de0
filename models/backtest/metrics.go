package backtest

import (
	"math"
	"slices"

	"github.com/auspex-project/auspex/models"
)

// Score is what came of predicting with one margin.
type Score struct {
	Cases         int     `json:"cases"`
	ViolationRate float64 `json:"violation_rate"` // share of cases whose peak was passed
	SeverityMean  float64 `json:"severity_mean"`  // (actual - predicted) / actual, over violations
	SeverityP99   float64 `json:"severity_p99"`   // over violations
	Savings       float64 `json:"savings"`        // 1 - sum of predictions / sum of limits
	OracleShare   float64 `json:"oracle_share"`   // of what perfect foresight saves
}

// rounding is by which share of the limit a sum of float32 may pass a prediction
// of the same amount without being a violation.
const rounding = 1e-6

// Judge returns the score of cases predicted with margin q.
func Judge(cases []Case, q float32) Score {
	s := Score{Cases: len(cases)}
	var predicted, actual, limit float64
	var severities []float64
	for _, c := range cases {
		p := c.Predicted(q)
		predicted += float64(p)
		actual += float64(c.Actual)
		limit += float64(c.Limit)
		if c.Actual > p+rounding*c.Limit {
			severities = append(severities, float64((c.Actual-p)/c.Actual))
		}
	}
	if len(cases) == 0 || limit == 0 {
		return s
	}
	s.ViolationRate = float64(len(severities)) / float64(len(cases))
	s.Savings = 1 - predicted/limit
	if actual < limit {
		s.OracleShare = s.Savings / (1 - actual/limit)
	}
	if len(severities) > 0 {
		slices.Sort(severities)
		var sum float64
		for _, x := range severities {
			sum += x
		}
		s.SeverityMean = sum / float64(len(severities))
		s.SeverityP99 = severities[min(len(severities)*99/100, len(severities)-1)]
	}
	return s
}

// Margin returns the margin that held in all but risk of cases, and ok false
// where they are too few to tell.
func Margin(cases []Case, risk float64) (q float32, ok bool) {
	needed := Needed(cases)
	return models.ConformalQuantile(needed, 1-risk)
}

// Needed returns the margin each case would have needed.
func Needed(cases []Case) []float32 {
	needed := make([]float32, len(cases))
	for i, c := range cases {
		needed[i] = c.Needed()
	}
	return needed
}

// Between returns the cases whose origin lies in [from, to).
func Between(cases []Case, from, to int) []Case {
	var out []Case
	for _, c := range cases {
		if c.Origin >= from && c.Origin < to {
			out = append(out, c)
		}
	}
	return out
}

// Pinball returns the loss of predicting q as the p-quantile of y: p(y-q) above
// the prediction, (1-p)(q-y) below (Koenker and Bassett, Econometrica 1978).
func Pinball(p, q, y float64) float64 {
	return math.Max(p*(y-q), (p-1)*(y-q))
}

// Oracle returns what perfect foresight would have saved.
func Oracle(cases []Case) float64 {
	var actual, limit float64
	for _, c := range cases {
		actual += float64(c.Actual)
		limit += float64(c.Limit)
	}
	if limit == 0 {
		return 0
	}
	return 1 - actual/limit
}
