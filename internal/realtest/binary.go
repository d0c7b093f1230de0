package realtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/auspex-project/auspex/internal/sharedtest"
)

const requireEnv = "AUSPEX_REQUIRE_REAL"

// binary returns the path of a server's executable, or ends the test.
func binary(t testing.TB, name, env string) string {
	t.Helper()
	if path := os.Getenv(env); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			t.Fatalf("%s: %v", env, err)
		}
		return path
	}
	if path, err := exec.LookPath(filepath.Join(sharedtest.Root(t), ".tools", "bin", name)); err == nil {
		return path
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}

	if os.Getenv(requireEnv) == "1" {
		t.Fatalf("no %s, and %s=1 forbids to skip: run `make servers`, or set %s to its path", name, requireEnv, env)
	}
	t.Skipf("no %s: run `make servers` in the repository, or set %s to its path", name, env)
	return ""
}
