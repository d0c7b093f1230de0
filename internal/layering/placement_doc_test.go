package layering

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/score"
)

// docs/placement.md lists every filter and scorer, in order, with its weight.
func TestPlacementIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "placement.md"))
	if err != nil {
		t.Fatal(err)
	}
	rest := string(page)
	row := func(want string) {
		at := strings.Index(rest, want)
		if at < 0 {
			t.Fatalf("docs/placement.md has no row %q, or not in this order", want)
		}
		rest = rest[at+len(want):]
	}
	for _, f := range filter.All() {
		row(fmt.Sprintf("\n| %s | ", f.Name()))
	}
	for _, s := range score.All() {
		row(fmt.Sprintf("\n| %s | %g | ", s.Name(), s.DefaultWeight()))
	}
}
