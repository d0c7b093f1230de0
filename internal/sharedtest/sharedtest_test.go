package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRootSkipsForeignModules(t *testing.T) {
	root := t.TempDir()
	nested := filepath.Join(root, "tools", "deep")
	if err := os.MkdirAll(nested, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, module := range map[string]string{
		filepath.Join(root, "go.mod"):          "github.com/auspex-project/auspex",
		filepath.Join(root, "tools", "go.mod"): "github.com/auspex-project/auspex/tools",
	} {
		if err := os.WriteFile(path, []byte("module "+module+"\n\ngo 1.26.0\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	if got, found := findRoot(nested); !found || got != root {
		t.Errorf("findRoot(%s) = %q, %t; want %q", nested, got, found, root)
	}
	if got, found := findRoot(filepath.Dir(root)); found {
		t.Errorf("findRoot above the repository found %q", got)
	}
}

func TestRootIsThisRepository(t *testing.T) {
	if _, err := os.Stat(filepath.Join(Root(t), "internal", "sharedtest", "sharedtest.go")); err != nil {
		t.Error(err)
	}
}

func TestDataFromEnvironment(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(dataEnv, dir)
	want := filepath.Join(dir, "bitbrains", "2013-8.csv.gz")
	if err := os.MkdirAll(filepath.Dir(want), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Data(t, "bitbrains/2013-8.csv.gz"); got != want {
		t.Errorf("Data = %q, want %q", got, want)
	}
}
