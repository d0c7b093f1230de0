package journal

import (
	"os"
	"strings"
	"testing"
)

func TestExplanations(t *testing.T) {
	j, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	e := j.Explanations()
	if data, err := e.Load(); data != nil || err != nil {
		t.Errorf("before the first: %q, %v", data, err)
	}
	for _, text := range []string{"one\n", "", "two\nlines\n"} {
		if err := e.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if data, err := e.Load(); string(data) != text || err != nil {
			t.Errorf("saved %q, loaded %q, %v", text, data, err)
		}
	}
	for _, damage := range []string{"", "two", "two\nlinez\n00000000\n"} {
		if err := os.WriteFile(e.path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Load(); err == nil || !strings.Contains(err.Error(), e.path) {
			t.Errorf("%q: %v", damage, err)
		}
	}
}
