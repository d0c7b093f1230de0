// Package ledger places workloads: it asks the engine of package placement, holds what was
// decided, and answers for it later.
//
// One request travels down one page (Service.Place): admit, snapshot, filter, score,
// select, reserve. The ledger is the one owner of nodes, reservations and queue usage: it
// checks a decision again on the fleet as it is by then, commits it, and journals what must
// survive a crash; a conflict sends the request round again. The book keeps decisions, so
// that a request made twice is answered once and Explain can tell why. Service.Run owns
// what time brings about.
//
// It is one package since calls, what is held and what is answered share the state of one
// owner: a decision is in the book when and only when what it reserved is in the ledger.
// Its files, from the outside in:
//
//	request, decision, status, errors            what callers see
//	forecaster, journal                          what the wiring brings
//	service, batch, gang, settle, nodes          calls
//	run, refresh, arrivals, metrics, inspect     what goes on beside them, and what that tells
//	ledger, ganghold, claims, deadlines, recover what is held and waited for
//	verdict, book, shelf, minutes, archive       what was decided, and how that is kept
package ledger
