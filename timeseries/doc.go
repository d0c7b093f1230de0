// Package timeseries is the vocabulary of usage over time: a Sample is what one
// workload used at one moment, a Series is one resource of one workload on a
// regular grid, a Window is a half-open span of time.
//
// Gaps are NaN in a Series and absent resources in a Sample; zero always means
// "used nothing".
package timeseries
