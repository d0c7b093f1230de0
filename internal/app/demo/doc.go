// Package demo is what the demo subcommand plays and tells: a trace with its fleet, a
// scheduler that places its workloads over gRPC, and the story of what happened. What
// is opened and run for it is wired in package app.
package demo
