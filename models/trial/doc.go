// Package trial tells skill from chance: how sure an average over forecasts is,
// when forecasts come in clusters that stand and fall together. The workloads of
// one app share its load, and all apps share the day.
//
// The gate of a night and the watch over what serves decide by it, on the same
// terms.
package trial
