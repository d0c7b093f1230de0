// Package serving holds the forecast table that placement reads: a forecast for
// every workload with history, priors for the rest, and the margins of nodes.
//
// A refresh reads what is new in the history store, asks the champions, and
// swaps the whole table atomically; readers never wait and never see half of
// one. Its own past forecasts are held against what really happened: the
// coverage that comes out is published per class and resource.
package serving
