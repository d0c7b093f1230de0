package training

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// What a history lacks is said: a night learns from what there is all the same.
func TestGapsAreSaid(t *testing.T) {
	const day = 24 * time.Hour
	end := start.Add(20 * day)
	for name, c := range map[string]struct {
		now    time.Time
		hole   timeseries.Window
		memory bool
		want   []string
	}{
		"whole":         {end.Add(time.Hour), timeseries.Window{}, true, nil},
		"hole":          {end, timeseries.Window{From: start.Add(8 * day), To: start.Add(15 * day)}, true, []string{"from 2026-01-13 00:00 to 2026-01-20 00:00 (7 days)"}},
		"few hours":     {end, timeseries.Window{From: start.Add(8 * day), To: start.Add(8*day + 20*time.Hour)}, true, nil},
		"ended":         {end.Add(7 * day), timeseries.Window{}, true, []string{"7 days before this night"}},
		"clock back":    {end.Add(-day), timeseries.Window{}, true, []string{"24h0m0s ahead of the clock"}},
		"no memory":     {end, timeseries.Window{}, false, []string{"nothing was measured of memory"}},
		"began late":    {end, timeseries.Window{From: start, To: start.Add(5 * day)}, true, nil},
		"hole, no more": {end.Add(3 * day), timeseries.Window{From: start.Add(2 * day), To: start.Add(4 * day)}, true, []string{"3 days before", "(2 days)"}},
	} {
		o, err := Options{}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		o.Step = 30 * time.Minute
		p := &plan{Options: o, split: split{whole: timeseries.Window{From: start, To: end}}}
		n := &night{plan: p, report: &Report{Started: c.now}}
		for _, r := range []resource.Name{resource.CPU, resource.Memory, resource.GPU} {
			e := &evidence{plan: p, resource: r, panel: backtest.NewPanel(r, p.whole, o.Step)}
			track := e.panel.NewTrack("w", "")
			for at := start; at.Before(end); at = at.Add(o.Step) {
				if (c.hole == (timeseries.Window{}) || !c.hole.Contains(at)) && (r == resource.CPU || r == resource.Memory && c.memory) {
					e.panel.Add(track, &timeseries.Sample{Time: at, Usage: resource.Of(1, 1), Limit: resource.Of(4, 4)})
				}
			}
			e.panel.Tracks = append(e.panel.Tracks, track)
			n.evidence = append(n.evidence, e)
		}
		said := n.gaps()
		if len(said) != len(c.want) || !slices.EqualFunc(said, c.want, strings.Contains) {
			t.Errorf("%s: said %q, want %q", name, said, c.want)
		}
	}
	n := &night{plan: &plan{split: split{whole: timeseries.Window{From: start, To: end}}}, report: &Report{Started: end}}
	if said := n.gaps(); said != nil {
		t.Errorf("of nothing: %q", said)
	}
}

func TestInDays(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "1 day", 25 * time.Hour: "1 day", 36 * time.Hour: "1.5 days", 4832 * 24 * time.Hour: "4832 days",
	} {
		if got := inDays(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
