// Package resource is the vocabulary of amounts: named resources with one unit
// each, and vectors of them.
//
// Amounts are float64 in the base unit of their resource (cores, bytes,
// devices, bytes per second; a plain count for custom names), so no value
// travels without a unit. Nothing here knows workloads, nodes or time.
package resource
