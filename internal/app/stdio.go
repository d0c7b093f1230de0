package app

import "io"

// IO is where a command reads, prints its result, and tells of its progress.
type IO struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Misuse is an error of the caller's words rather than of the work: the
// command exits with 2.
type Misuse struct{ Reason string }

func (m Misuse) Error() string { return m.Reason }
