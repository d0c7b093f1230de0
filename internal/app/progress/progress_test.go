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

func TestZeroIsSilent(t *testing.T) {
	var p Progress
	p.Set(1)
	p.Share(1, 1, 2)
	p.Done(1)
}
