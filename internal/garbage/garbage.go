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
	room  = 512 << 20 // bytes of garbage that any server may make, unless that is far more than it holds
	least = 400       // percent of what is live
	most  = 800
)

// Adjust lets as much of it pile up as suits what is live by now. Where the environment
// says GOGC it leaves things as they are.
func Adjust() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent(live()))
	}
}

// Run adjusts it now and every few seconds until ctx ends.
func Run(ctx context.Context) error {
	ticks := time.NewTicker(15 * time.Second)
	defer ticks.Stop()
	for {
		Adjust()
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// live returns what the last collection found to be in use, in bytes.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func percent(live uint64) int {
	return int(min(max(room*100/max(live, 1), least), most))
}
