package compare

import (
	"errors"
	"fmt"
	"io"

	"github.com/auspex-project/auspex/datasets"
)

// badRows are the rows of a trace that could not be read.
type badRows struct {
	count int
	first error
}

// note reports whether err is about one row, and keeps it then.
func (b *badRows) note(err error) bool {
	var row *datasets.RowError
	if !errors.As(err, &row) {
		return false
	}
	b.add(1, row)
	return true
}

// add counts rows, of which the first is bad for a reason.
func (b *badRows) add(count int, why error) {
	if b.count += count; b.first == nil {
		b.first = why
	}
}

// tell says how many rows were left out of what, if any.
func (b *badRows) tell(w io.Writer, what string) {
	if b.count > 0 {
		fmt.Fprintf(w, "%s: %d bad rows left out, the first: %v\n", what, b.count, b.first)
	}
}
