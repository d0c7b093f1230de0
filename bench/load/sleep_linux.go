package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepUntil sleeps in the kernel. The runtime's own timers wake up to a
// millisecond late on an idle machine, which would count as latency.
func sleepUntil(due time.Time) {
	for {
		left := time.Until(due)
		if left <= 0 {
			return
		}
		ts := unix.NsecToTimespec(left.Nanoseconds())
		unix.Nanosleep(&ts, nil) // woken early by a signal, the loop goes on
	}
}
