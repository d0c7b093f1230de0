// Package simulation replays traces of arriving workloads through the placement
// engine, in virtual time: the same Service that places live work, with nothing
// between decisions but the decisions. It answers how much of a fleet a policy fills
// and how often it turns work away.
//
// Two protocols decide what arrives, both drawn by a seed:
//
//   - arrivals only, as Weng et al. (USENIX ATC 2023) compare packers: the workloads
//     in random order, then more of them drawn with replacement, until they have
//     asked for a multiple of what the fleet has. What does not fit has failed.
//   - with departures: workloads drawn with replacement come and go at the times of
//     the trace, as many as bring the most asked for at once to that multiple.
//
// What is asked for is counted in devices, or in traces without in the scarcer of
// cores and memory.
package simulation
