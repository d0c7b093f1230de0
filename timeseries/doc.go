// Package timeseries is the vocabulary of usage over time: a Sample is what one
// workload used at one moment, a Window is a half-open span of time.
//
// What was not measured is absent from a Sample; zero always means "used nothing".
package timeseries
