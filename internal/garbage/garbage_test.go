package garbage

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 1600}, {10 << 20, 1600}, {64 << 20, 1500}, {128 << 20, 700}, {256 << 20, 300}, {512 << 20, 100}, {8 << 30, 100},
	} {
		if got := percent(c.live); got != c.want {
			t.Errorf("%d MiB live: %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}

func TestAdjust(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(123))
	runtime.GC()
	if live() == 0 {
		t.Fatal("nothing is live after a collection")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		environment string
		want        int
	}{{"50", 123}, {"", percent(live())}} {
		t.Setenv("GOGC", c.environment)
		if err := Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := debug.SetGCPercent(123); got != c.want {
			t.Errorf("GOGC=%s: %d %%, want %d", c.environment, got, c.want)
		}
	}
}
