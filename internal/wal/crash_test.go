package wal_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/wal"
)

// crashDir, when set, turns this test binary into a process that appends to the
// log there from several goroutines until it is killed, and prints the position
// and text of each record once it is durable. reuse, when set as well, has it use
// segments again.
const (
	crashDir = "AUSPEX_WAL_TEST_CRASH_DIR"
	reuse    = "AUSPEX_WAL_TEST_REUSE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		appendForever(dir)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func appendForever(dir string) {
	l, err := wal.Open(dir, wal.Options{SegmentBytes: 16 << 10, Reuse: os.Getenv(reuse) != ""})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				text := fmt.Sprintf("%d-%s", rand.Uint64(), strings.Repeat("x", rand.IntN(300)))
				p, err := l.Append([]byte(text))
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(p, text)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestKilledWhileAppending(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[wal.Position]string{}
	for round := range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir)
		if round%3 > 0 {
			child.Env = append(child.Env, reuse+"=1")
		}
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(20+rand.IntN(80))*time.Millisecond, func() { child.Process.Kill() })
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var p wal.Position
			var text string
			if n, _ := fmt.Sscan(lines.Text(), &p, &text); n != 2 {
				if strings.HasPrefix(lines.Text(), "error") {
					t.Error(lines.Text())
				}
				continue // cut by the kill
			}
			if before, twice := acknowledged[p]; twice && before != text {
				t.Fatalf("position %d was given to %q and %q", p, before, text)
			}
			acknowledged[p] = text
		}
		child.Wait()
		kill.Stop()
	}
	l := open(t, dir, wal.Options{})
	got, first, lost := readAll(t, l, 1)
	if first != 1 || lost != nil {
		t.Fatalf("first %d, lost %v", first, lost)
	}
	for p, text := range acknowledged {
		// The kill may have cut the printed line, so its text is a prefix.
		if int(p) > len(got) || !strings.HasPrefix(got[p-1], text) {
			t.Fatalf("position %d was acknowledged as %q and is not there", p, text)
		}
	}
	t.Logf("%d acknowledged, %d in the log", len(acknowledged), len(got))
	if len(acknowledged) < 100 {
		t.Errorf("only %d records were acknowledged", len(acknowledged))
	}
}
