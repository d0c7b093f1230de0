// Package synthetic makes up a fleet and what ran on it, for demonstrations and
// tests: services with daily and weekly rhythm, bursty streams, batch and cron
// jobs, training and inference on accelerators, over five sites. Nothing in it
// was measured; it imitates shapes, not any particular cluster.
//
// A trace is a pure function of its options. What a workload uses at a moment is
// computed from the seed, the workload and the moment alone, so samples can be
// asked for in any order, again, and beyond the end of the history. Workloads of
// one app share their load, their bursts and the days of their deployments.
package synthetic
