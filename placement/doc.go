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
//
// It is one large package since the columns of State are read by all that decides and
// written by the ledger alone, which a package boundary would have to open to
// everybody. Its files, from the outside in:
//
//	request, decision, status, errors, forecaster, journal   what callers and the wiring see
//	service, batch, gang, run, refresh, settle, metrics      the shell: calls, clocks, goroutines
//	ledger, book, ganghold, claims, deadlines, recover       what is held, answered and waited for
//	account, verdict, whatif, preempt                        why, and what would have to change
//	shelf, minutes, archive                                  how decisions are kept
//	policy, settings, geography, arrivals                    what operators say and arrivals teach
//	query, need, rule, foresight, devices                    a request against one node
//	engine, scan, sieve, builds, bounds, recall              requests seen for the first time
//	shapes, shape, shapehash, judged, choose, cells, recent  requests that come again
//	assemble, levels                                         gangs
//	state, block, nodes, names, catalogue, descriptions      the fleet in columns
//	groups, company, skew, terrain, power, replicas          what depends on more than one node
//	loans, changes                                           who may change what is read
package placement
