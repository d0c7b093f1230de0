package rpc

import (
	"context"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc/codes"
)

// recovery turns a panic into INTERNAL and logs it with its stack, so that one
// bad call does not take the others down.
func recovery(log *slog.Logger, panics interface{ Inc() }) step {
	return func(ctx context.Context, c *call, next func(context.Context) error) (err error) {
		defer func() {
			if p := recover(); p != nil {
				panics.Inc()
				log.ErrorContext(ctx, "panic in rpc", "method", c.method, "panic", p, "stack", string(debug.Stack()))
				err = newStatus(codes.Internal, "PANIC", "internal error; the server's log has the details").Err()
			}
		}()
		return next(ctx)
	}
}
