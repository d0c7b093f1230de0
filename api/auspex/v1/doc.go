// Package auspexv1 is the wire format of Auspex's gRPC services, generated from the .proto files beside it. It is
// the one API with a promise of stability.
package auspexv1
