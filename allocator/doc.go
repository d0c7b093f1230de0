// Package allocator decides who may have how much: queues in a tree, weighted
// Dominant Resource Fairness between them, guarantees and limits.
//
// Everything here is a pure function of a Tree (what the operator decided), a
// Usage (what the queues hold, owned by the caller) and the demands that wait.
//
// The dominant share of a queue is its largest share of any resource of the
// fleet; progressive filling always serves the least dominant share over weight
// (Ghodsi et al., "Dominant Resource Fairness: Fair Allocation of Multiple
// Resource Types", NSDI'11: Algorithm 1, and section 4.3 with all weights of a
// user equal). In the tree the rule holds among the children of each parent,
// from the root down, a parent's share being that of the sum below it. The
// rescaling of H-DRF (Bhattacharya et al., SoCC'13) is left out on purpose: it
// takes the share of the poorest child for the parent's, which serves whoever
// fills a cluster from empty, but lets one greedy child win more and more for
// its parent where work comes and goes.
//
// Guarantees come first: demand within one is served before any share is
// compared, and nothing else may take what is left of it. Revocable use can be
// taken back at any time, so it neither fills a guarantee nor holds one up; it
// does count in the share, as does all that a queue holds.
package allocator
