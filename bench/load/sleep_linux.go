package main

import (
	"time"
	"unsafe"

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

// nap is sleepUntil for who has nobody beside it: the runtime does not look for another
// goroutine to run meanwhile, which costs more than the sleep itself.
func nap(due time.Time) {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		ts := unix.NsecToTimespec(left.Nanoseconds())
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
}
