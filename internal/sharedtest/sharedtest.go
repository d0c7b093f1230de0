// Package sharedtest finds, for tests, files outside the packages under test: the root of this repository,
// and the public traces kept beside it, which are too large to commit.
package sharedtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module = "github.com/auspex-project/auspex"

	// dataEnv names the folder of public traces where it is not ../shared/data beside the repository.
	dataEnv = "AUSPEX_SHARED_DATA"
)

// Data returns the path of a file or folder in the shared data, named relative to it with slashes
// ("bitbrains/2013-8.csv.gz"). Where the data is not at hand the test is skipped; a folder that was
// named in AUSPEX_SHARED_DATA and lacks the file is an error.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir, named := os.LookupEnv(dataEnv)
	if !named {
		dir = filepath.Join(Root(t), "..", "shared", "data")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	_, err := os.Stat(path)
	switch {
	case err == nil:
	case named:
		t.Fatalf("%s: %v", dataEnv, err)
	default:
		t.Skipf("no %s: put the public traces into ../shared/data beside the repository, or set %s to their folder, and run again", name, dataEnv)
	}
	return path
}

// Root returns the absolute path of the folder that holds this module's go.mod.
func Root(t testing.TB) string {
	t.Helper()
	start, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, found := findRoot(start)
	if !found {
		t.Fatalf("no go.mod of module %s above %s", module, start)
	}
	return root
}

func findRoot(dir string) (root string, found bool) {
	for {
		if isModuleRoot(dir) {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func isModuleRoot(dir string) bool {
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(gomod)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(path) == module
		}
	}
	return false
}
