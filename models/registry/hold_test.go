package registry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// dirToHold is set in the process that TestOneNightAtATime starts.
const dirToHold = "AUSPEX_TEST_HOLD"

func TestOneNightAtATime(t *testing.T) {
	if dir := os.Getenv(dirToHold); dir != "" {
		r, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		release, err := r.HoldNight()
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		fmt.Println("holding")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		t.Fatal("survived")
	}
	r := open(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOneNightAtATime$")
	cmd.Env = append(os.Environ(), dirToHold+"="+r.Dir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "holding"; {
	}

	who := fmt.Sprintf("process %d on ", cmd.Process.Pid)
	_, err = r.HoldNight()
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), who) || !strings.Contains(err.Error(), " since 20") || !strings.Contains(err.Error(), "stop that process") {
		t.Errorf("a second night: %v", err)
	}
	if by, err := r.HeldBy(); err != nil || !strings.HasPrefix(by, who) {
		t.Errorf("held by %q, %v", by, err)
	}
	saveMargins(t, r, .1) // others go on
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed

	release, err := r.HoldNight()
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if _, err := r.HoldNight(); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) {
		t.Errorf("a second night of one process: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if by, err := r.HeldBy(); err != nil || by != "" {
		t.Errorf("after it was released, held by %q, %v", by, err)
	}
}
