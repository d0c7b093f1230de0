// Package rpc serves the gRPC API of api/auspex/v1: one file per service, one per
// step of the chain every call passes, one per kind of value that crosses the
// wire (wire_*.go). It is the only server-side package that knows the wire.
//
// A call travels recovery, identity, metrics, logging, limit, deadline and
// validation (see chain.go), then its service, which converts, asks the packages
// below through the small interfaces of Options, and converts back. Handlers do
// no work of their own and wait for nothing but the ledger's commit.
//
// The table in policy.go names every RPC; one that is not in it is refused.
package rpc
