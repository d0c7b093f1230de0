package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/sqlite"
	"github.com/auspex-project/auspex/internal/store/storetest"
)

// open opens the history at path and closes it with the test.
func open(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.History {
		return open(t, filepath.Join(t.TempDir(), "history.db"), sqlite.Options{})
	})
}
