package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/models/registry"
)

// Two nights at once there are not, and who asks is told whose is going on.
func TestTrainWhileANightGoesOn(t *testing.T) {
	dir := t.TempDir()
	s := &server{path: filepath.Join(dir, "auspex.yaml")}
	s.write(t, "data_dir: "+filepath.Join(dir, "data")+"\n")
	r, err := registry.Open(filepath.Join(dir, "data", "models"))
	if err != nil {
		t.Fatal(err)
	}
	release, err := r.HoldNight()
	if err != nil {
		t.Fatal(err)
	}
	holder := fmt.Sprintf("process %d on ", os.Getpid())
	if code, _, stderr := s.call(t, "", "train"); code != exitFailed || !strings.Contains(stderr, holder) || !strings.Contains(stderr, "wait until it ends") {
		t.Errorf("a second night: exit code %d, said %q", code, stderr)
	}
	if _, text, _ := s.call(t, "", "doctor"); !strings.Contains(text, "a night is being spent by "+holder) {
		t.Errorf("the doctor says\n%s", text)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if code, text, stderr := s.call(t, "", "train"); code != exitDone || !strings.Contains(text, "nothing was learned: no history at all") {
		t.Errorf("exit code %d, %s%s", code, text, stderr)
	}
	if _, text, _ := s.call(t, "", "doctor"); strings.Contains(text, "night") && strings.Contains(text, holder) {
		t.Errorf("the doctor says\n%s", text)
	}
}
