package compare

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/datasets"
)

// Rows that cannot be read are counted and the first is named; what is wrong with
// the whole trace is not one of them.
func TestBadRows(t *testing.T) {
	row := func(line int) error {
		return fmt.Errorf("scan: %w", &datasets.RowError{File: "a.csv", Line: line, Err: errors.New("cpu is NaN")})
	}
	var bad badRows
	for _, c := range []struct {
		err  error
		want bool
	}{{nil, false}, {row(7), true}, {errors.New("unexpected EOF"), false}, {row(9), true}} {
		if got := bad.note(c.err); got != c.want {
			t.Errorf("%v is a bad row: %v", c.err, got)
		}
	}
	var told strings.Builder
	bad.tell(&told, "backtest")
	if want := "backtest: 2 bad rows left out, the first: a.csv:7: cpu is NaN\n"; told.String() != want {
		t.Errorf("said %q, want %q", told.String(), want)
	}
	told.Reset()
	new(badRows).tell(&told, "backtest")
	if told.Len() > 0 {
		t.Errorf("of no bad rows it said %q", told.String())
	}
}
