// Package plot draws what a backtest found: savings against violations, promised
// against kept quantiles, and forecasts over the usage that came.
package plot
