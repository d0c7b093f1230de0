// Package misuse tells errors of the caller's words from those of the work.
package misuse

import (
	"fmt"

	"github.com/auspex-project/auspex/datasets"
)

// Error is a call that cannot be meant as it was made: the command exits with 2.
type Error struct{ Reason string }

func (e Error) Error() string { return e.Reason }

// Errorf returns an Error with a formatted reason.
func Errorf(format string, args ...any) error { return Error{fmt.Sprintf(format, args...)} }

// Trace parses a flag's FORMAT:PATH.
func Trace(name string) (datasets.Ref, error) {
	ref, err := datasets.ParseRef(name)
	if err != nil {
		return ref, Error{err.Error()}
	}
	return ref, nil
}
