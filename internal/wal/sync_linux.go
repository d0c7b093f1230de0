package wal

import "golang.org/x/sys/unix"

// Sync makes what was written durable, with the size it needs to be read again
// but not the times of the file, which would be a write more.
func (f osFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
