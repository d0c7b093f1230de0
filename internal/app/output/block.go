package output

import (
	"fmt"
	"io"
)

// Block is a titled table; an empty one is left out.
type Block struct {
	Title string
	Grid  *Grid
}

// WriteBlocks writes blocks with an empty line before each.
func WriteBlocks(w io.Writer, blocks ...Block) error {
	for _, b := range blocks {
		if len(b.Grid.Rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if b.Title != "" {
			fmt.Fprintf(w, "%s:\n", b.Title)
		}
		if err := b.Grid.WriteTable(w); err != nil {
			return err
		}
	}
	return nil
}

// OrDash returns s, or a dash where it is "".
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
