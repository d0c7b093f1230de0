package collector

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff yields pauses that double from shortest to longest, each with a
// random part so that many clients do not return at once.
type backoff struct {
	shortest, longest time.Duration
	failures          int
}

func newBackoff(shortest, longest time.Duration) *backoff {
	return &backoff{shortest: shortest, longest: longest}
}

// next returns the pause after one more failure: between half of and the whole
// of the doubled one.
func (b *backoff) next() time.Duration {
	pause := b.longest
	if b.failures < 32 && b.shortest<<b.failures > 0 {
		pause = min(b.shortest<<b.failures, b.longest)
	}
	b.failures++
	return pause/2 + rand.N(pause/2+1)
}

func (b *backoff) reset() { b.failures = 0 }

// sleep returns after d, or earlier with ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
