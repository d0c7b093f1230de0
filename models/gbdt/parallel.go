package gbdt

import (
	"sync"
	"sync/atomic"
)

// crew is how many goroutines may work at once.
type crew int

// do calls f once for every task in [0, tasks) and returns when all calls have. Which worker, in [0, crew), gets which
// task is up to the scheduler, so f must leave the same result whoever runs it.
func (c crew) do(tasks int, f func(worker, task int)) {
	n := min(int(c), tasks)
	if n <= 1 {
		for t := range tasks {
			f(0, t)
		}
		return
	}
	var next atomic.Int64
	work := func(worker int) {
		for t := next.Add(1) - 1; t < int64(tasks); t = next.Add(1) - 1 {
			f(worker, int(t))
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < n; w++ {
		wg.Go(func() { work(w) })
	}
	work(0)
	wg.Wait()
}

// chunkRows is how many rows make one task: what is gathered of them stays in a second-level cache.
const chunkRows = 1024

// chunks is how many tasks n rows make.
func chunks(n int) int { return (n + chunkRows - 1) / chunkRows }

// chunk is the range of rows of task c, out of n rows.
func chunk(c, n int) (lo, hi int) { return c * chunkRows, min((c+1)*chunkRows, n) }
