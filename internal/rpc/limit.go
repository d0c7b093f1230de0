package rpc

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
)

// retryWhenBusy is what a refused client is asked to wait.
const retryWhenBusy = 100 * time.Millisecond

// limit refuses a call at once when its class has as many in flight as it may:
// a queue would only turn overload into late answers.
func limit(most map[rateClass]int64) step {
	flying := make(map[rateClass]*atomic.Int64, len(most))
	for class := range most {
		flying[class] = new(atomic.Int64)
	}
	return func(ctx context.Context, c *call, next func(context.Context) error) error {
		class := c.policy.class
		n := flying[class]
		defer n.Add(-1)
		if n.Add(1) > most[class] {
			busy := newStatus(codes.ResourceExhausted, "TOO_MANY_CALLS", "%d %s calls are in flight, as many as are served at once", most[class], class)
			return busy.retry(retryWhenBusy).Err()
		}
		return next(ctx)
	}
}
