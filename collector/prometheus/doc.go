// Package prometheus is the source that asks a Prometheus server, or anything
// with its HTTP API, for usage it already has.
//
// Each query is PromQL for one resource; labels of its result name the workload.
// Queries are evaluated over ranges, on a grid of whole steps, in pages of at most
// the 11,000 points per series that Prometheus answers. What all queries say of
// one workload at one time becomes one sample. A page that has been emitted is
// noted on disk, so a restart goes on behind it; a page asked for twice yields the
// same samples again. "Now" is the server's clock, not this machine's.
//
// Gaps stay gaps: a point that is NaN, infinite, negative or a sentinel for "not
// measured" is left out. Counter resets are PromQL's business (rate, increase).
package prometheus
