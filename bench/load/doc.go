// Command load asks a running server for placements at a constant rate and says
// how long the answers took.
//
// It is an open loop: request n is due at start + n/rate whether or not earlier
// ones have been answered, and its latency counts from the moment it was due.
// A server that stalls for a second is charged with all that should have been
// sent in that second (no coordinated omission).
//
// Before that it can register a fleet and fill it with workloads. What it places
// during the run it releases again, so that the fleet stays as full as it was.
package main
