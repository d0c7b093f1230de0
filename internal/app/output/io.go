package output

import "io"

// IO is where a command reads, prints its result, and tells of its progress.
type IO struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}
