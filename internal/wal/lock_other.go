//go:build !unix || solaris || aix

package wal

import (
	"io"
	"os"
)

// lockFile does not keep other processes out on systems without flock.
func lockFile(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
}
