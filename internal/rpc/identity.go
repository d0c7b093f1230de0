package rpc

import (
	"context"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// Principal is who calls. The zero Principal is nobody.
type Principal struct {
	Name string
}

// anonymous is any process of this machine: connections without credentials are
// taken from loopback alone.
var anonymous = Principal{Name: "anonymous"}

type principalKey struct{}

// principalOf returns who the chain found to be calling.
func principalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// identity finds the principal behind a call and refuses calls that need one and
// have none, and methods without a policy.
func identity(ctx context.Context, c *call, next func(context.Context) error) error {
	if !c.listed {
		return newStatus(codes.PermissionDenied, "NO_POLICY", "%s has no policy and is refused", c.method).Err()
	}
	p, known := identify(ctx)
	if !known && !c.policy.open {
		return newStatus(codes.Unauthenticated, "NO_PRINCIPAL", "%s needs a principal; without credentials only loopback is served", c.method).Err()
	}
	return next(context.WithValue(ctx, principalKey{}, p))
}

func identify(ctx context.Context) (Principal, bool) {
	if p, ok := peer.FromContext(ctx); ok && local(p.Addr) {
		return anonymous, true
	}
	return Principal{}, false
}

// local reports whether a is an address of this machine alone: loopback, or not
// an IP address at all (Unix sockets, pipes).
func local(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return a != nil && (!ok || tcp.IP.IsLoopback())
}
