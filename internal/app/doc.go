// Package app wires the parts into the subcommands of auspex, one file each. It
// decides nothing about workloads: it opens what the configuration names,
// connects it, runs it, and prints what came out. What compares contestants on
// traces, examines the machine or tells the demo stands in packages below it.
package app
