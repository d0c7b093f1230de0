// Package baseline has the predictors of public systems and papers, and ours
// without learning, as contestants of package backtest: one a file, each with
// its source. They are what every learned model must beat.
package baseline
