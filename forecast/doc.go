// Package forecast is a prediction as a value: what a workload will add to its
// node, slot by slot, and how the pieces of many workloads add up.
//
// A forecast says two things of each resource. Its profile is what the workload
// adds to the node's sum in each slot; its peak is what it hardly ever passes
// on its own. Profiles add up as if members peaked together only as often as
// they did before (full multiplexing); peaks add up as if they all peaked at
// once (none). The truth lies between: Margin says how far, at a given risk.
//
// Nothing here predicts. Package models makes forecasts; package placement
// spends them.
package forecast
