// Package placement decides where a workload runs, and remembers it.
//
// One request travels down one page (Service.Place): admit, snapshot, filter,
// score, select, reserve. The engine is pure: it decides on a frozen State and
// touches neither clock, lock nor disk. The ledger is the one owner of nodes,
// reservations and queue usage: it re-checks a decision on the state as it is
// by then, commits it, and journals what must survive a crash; a conflict sends
// the request round again.
//
// Hard rules are in package filter, wishes in package score, one per file. What
// a workload will use comes from a Forecaster; this package predicts nothing.
package placement
