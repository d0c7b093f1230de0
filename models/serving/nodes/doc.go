// Package nodes holds what is promised for the sums of nodes against what they used,
// and raises the margins of those whose promise is shown to be broken.
//
// Promises are noted as they are made, usage as its samples come in, so that nothing
// is read for it. A promise is for a size of nodes, a resource and a horizon, a *band*,
// as margins are.
package nodes
