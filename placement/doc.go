// Package placement decides where a workload runs. It is pure: it decides on a frozen
// State and touches neither clock nor disk. Package ledger asks it, holds what was
// decided, and is the one that changes the fleet.
//
// A Query is a workload held against a State: what it needs, slot by slot, and whom it is
// about. Engine.Search makes a Plan of it, rules and measures ready for the scan, and finds
// the best nodes; Engine.Assemble does so for the members of a gang. Plan.Account says in
// numbers how that came about, Plan.Preemption whose going would make room, Engine.Advice
// what would have to change. Hard rules are in package filter, wishes in package score, one
// per file. What a workload will use comes with the query; this package predicts nothing.
//
// The fleet as it changes is a Living, which has one owner: Lend freezes it for a decision,
// Change lets Describe, Put, Take, Revise and others of State at it.
//
// Its columns are read by all that decides, so it stays one package. Its files, from the
// outside in:
//
//	policy, settings, geography                        what operators say
//	query, need, rule, foresight, devices              a request against one node
//	engine, scan, sieve, builds, bounds, recall        requests seen for the first time
//	shapes, shape, shapehash, judged, choose           requests that come again,
//	cells, recent                                      and what keeps that fast
//	assemble, levels                                   gangs
//	account, whatif, preempt                           why, and what would have to change
//	living, loans, changes, revise                     who may change what is read, and what changes all of it
//	state, block, names, catalogue, descriptions       the fleet in columns
//	groups, company, skew, terrain, power, replicas    what depends on more than one node
package placement
