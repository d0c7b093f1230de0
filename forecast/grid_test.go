package forecast

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGridValidate(t *testing.T) {
	for _, g := range []Grid{DefaultGrid(), {time.Minute, 1}, {time.Hour, 7 * 24}, {24 * time.Hour, 7}} {
		if err := g.Validate(); err != nil {
			t.Errorf("%+v: %v", g, err)
		}
	}
	for _, g := range []Grid{{}, {time.Hour, 0}, {time.Hour, -1}, {time.Second, 60}, {time.Hour, 7*24 + 1}, {-time.Hour, 24}, {time.Hour, 5124095576030430}} {
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "want at least one") {
			t.Errorf("%+v: %v", g, err)
		}
	}
}

func TestHorizon(t *testing.T) {
	day := DefaultGrid()
	at := func(clock string) time.Time {
		m, err := time.Parse("2006-01-02 15:04:05", "2026-03-01 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	tests := []struct {
		name     string
		grid     Grid
		now      time.Time
		ahead    time.Duration
		first, n int
	}{
		{"on the hour", day, at("13:00:00"), 6 * time.Hour, 13, 6},
		{"a moment later", day, at("13:00:01"), 6 * time.Hour, 13, 7},
		{"over midnight", day, at("22:30:00"), 3 * time.Hour, 22, 4},
		{"all day", day, at("13:00:00"), 24 * time.Hour, 13, 24},
		{"more than there is", day, at("13:30:00"), 100 * time.Hour, 13, 24},
		{"nothing", day, at("13:30:00"), 0, 13, 1},
		{"a moment", day, at("13:59:59"), time.Second, 13, 1},
		{"negative", day, at("13:30:00"), -time.Hour, 13, 1},
		{"one slot", Grid{time.Hour, 1}, at("13:30:00"), 24 * time.Hour, 0, 1},
	}
	for _, test := range tests {
		if first, n := test.grid.Horizon(test.now, test.ahead); first != test.first || n != test.n {
			t.Errorf("%s: from slot %d on %d, want from %d on %d", test.name, first, n, test.first, test.n)
		}
	}
}

// Whatever the grid, also one whose slots divide no day: a slot holds the moments
// that lie in it, and the horizon is the slots its moments lie in.
func TestGridProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Grid{Slots: rapid.IntRange(1, 50).Draw(t, "slots")}
		g.Slot = time.Duration(rapid.IntRange(1, 190).Draw(t, "minutes")) * time.Minute
		now := time.Unix(rapid.Int64Range(-4e9, 4e9).Draw(t, "now"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		ahead := time.Duration(rapid.Int64Range(1, int64(2*g.Span())).Draw(t, "ahead"))
		first, n := g.Horizon(now, ahead)
		if first != g.Index(now) || n < 1 || n > g.Slots {
			t.Fatalf("horizon from %d on %d, now is in %d", first, n, g.Index(now))
		}
		if g.Index(now.Add(g.Span())) != g.Index(now) || g.Index(now.In(time.FixedZone("x", 4711))) != g.Index(now) {
			t.Fatal("the grid does not repeat, or depends on the zone")
		}
		if g.Slots > 1 && g.Index(now.Add(g.Slot)) != (g.Index(now)+1)%g.Slots {
			t.Fatal("the next slot is not the next")
		}
		moment := now.Add(time.Duration(rapid.Int64Range(0, int64(ahead)-1).Draw(t, "moment")))
		if offset := (g.Index(moment) - first + g.Slots) % g.Slots; offset >= n {
			t.Fatalf("a moment of the horizon is in slot %d, %d after the first; the horizon has %d", g.Index(moment), offset, n)
		}
		if last := now.Add(ahead - 1); n < g.Slots && g.Index(last) != (first+n-1)%g.Slots {
			t.Fatalf("the horizon has %d slots, its last moment is in slot %d", n, g.Index(last))
		}
	})
}
