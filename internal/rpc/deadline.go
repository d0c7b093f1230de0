package rpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// deadline gives a call at most the time of its policy; a client's earlier
// deadline stays. longest bounds every unary call; 0 leaves it to the policies.
func deadline(longest time.Duration) step {
	return func(ctx context.Context, c *call, next func(context.Context) error) error {
		most := c.policy.deadline
		if longest > 0 && c.request != nil {
			most = min(most, longest)
		}
		if theirs, has := ctx.Deadline(); !has || time.Until(theirs) > most {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, most)
			defer cancel()
		}
		err := next(ctx)
		if end := ctx.Err(); end != nil && err != nil && status.Code(err) == codes.Unknown && errors.Is(err, end) {
			return status.FromContextError(end).Err()
		}
		return err
	}
}
