package progress

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := New(&b, "import x", "samples", 0)
		p.Set(10)
		if b.Len() != 0 {
			t.Errorf("a line before its time: %q", &b)
		}
		time.Sleep(lineEvery)
		p.Share(1000, 1, 4)
		p.Set(1001)
		time.Sleep(lineEvery)
		p.Done(4100)
		want := "import x: 1000 of 4000 (25 %) samples, 5s, 200/s\nimport x: 4100 of 4100 (100 %) samples, 10s, 410/s\n"
		if b.String() != want {
			t.Errorf("wrote\n%swant\n%s", &b, want)
		}
	})
}

// It writes to nobody, where a bar or lines would need a writer and panic without.
func TestZeroIsSilent(t *testing.T) {
	var p Progress
	p.Set(1)
	p.Share(1, 1, 2)
	p.Done(1)
}

// Each phase is told by its own name, and ends with what it came to.
func TestPhases(t *testing.T) {
	var out strings.Builder
	show := Phases(&out)
	show("read", 1, 3)
	show("read", 3, 3)
	show("judge", 1, 2)
	if got := out.String(); !strings.HasPrefix(got, "read: 3 of 3 ") || strings.Contains(got, "judge") {
		t.Errorf("said %q, want the end of read and nothing of judge yet", got)
	}
}
