package backtest

// ColdStart is what a predictor does for workloads it never saw: machines of
// workloads held out of all learning, every one of which is taken to have
// started less than two hours before each prediction.
type ColdStart struct {
	Windows       int      `json:"windows"`
	OracleSavings float64  `json:"oracle_savings"`
	ViolationRate float64  `json:"violation_rate"`
	Interval      Interval `json:"violation_rate_interval"`
	Savings       float64  `json:"savings"`
	WarmSavings   float64  `json:"warm_savings"` // of the same predictor on the same machines with their past
}
