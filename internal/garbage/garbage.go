// Package garbage decides how much of it a server lets pile up before the runtime
// collects it. While a collection marks, a busy machine's answers are late: it is to
// happen seldom, for a few hundred MiB.
package garbage

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	heap  = 1 << 30 // bytes that what is live and its garbage may come to in any server
	least = 100     // percent of what is live: Go's own measure where much is, as in a night of training
	most  = 1600
)

// Adjust lets as much of it pile up as suits what is live by now. Where the environment
// says GOGC it leaves things as they are.
func Adjust() { adjust(-1) }

// Run adjusts it now and every few seconds until ctx ends: what is live may grow fast.
func Run(ctx context.Context) error {
	ticks := time.NewTicker(5 * time.Second)
	defer ticks.Stop()
	for set := -1; ; {
		set = adjust(set)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// adjust returns what is set now. It sets nothing anew, since that stops the world.
func adjust(set int) int {
	if os.Getenv("GOGC") != "" {
		return set
	}
	if next := percent(live()); next != set {
		debug.SetGCPercent(next)
		return next
	}
	return set
}

// live returns what the last collection found to be in use, in bytes.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func percent(live uint64) int {
	room := heap - min(live, heap)
	return int(min(max(room*100/max(live, 1), least), most))
}
