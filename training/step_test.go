package training

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
)

func TestStepOf(t *testing.T) {
	const m = time.Minute
	every := func(apart time.Duration, samples int64) store.SeriesStat {
		return store.SeriesStat{First: start, Last: start.Add(apart * time.Duration(samples-1)), Samples: samples}
	}
	for _, c := range []struct {
		name  string
		slot  time.Duration
		stats []store.SeriesStat
		want  time.Duration
	}{
		{"nothing", time.Hour, nil, 5 * m},
		{"single samples", time.Hour, []store.SeriesStat{every(m, 1)}, 5 * m},
		{"every minute", time.Hour, []store.SeriesStat{every(m, 9000)}, 5 * m},
		{"a tenth of five minutes missing", time.Hour, []store.SeriesStat{every(5*m+30*time.Second, 9000)}, 5 * m},
		{"every half hour", time.Hour, []store.SeriesStat{every(30*m, 900)}, 30 * m},
		{"every half hour, few by minutes", time.Hour, []store.SeriesStat{every(30*m, 900), every(m, 100)}, 30 * m},
		{"by minutes, few by hours", time.Hour, []store.SeriesStat{every(time.Hour, 300), every(m, 9000)}, 5 * m},
		{"every two hours", time.Hour, []store.SeriesStat{every(2*time.Hour, 300)}, time.Hour},
		{"a slot that few grids divide", 50 * m, []store.SeriesStat{every(8*m, 900)}, 10 * m},
		{"a slot that none divides", 7 * m, []store.SeriesStat{every(m, 900)}, 7 * m},
	} {
		if got := stepOf(c.stats, c.slot); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// What is measured every half hour makes machines, without being told so.
func TestANightOfCoarseSamples(t *testing.T) {
	o := quick(Options{})
	o.Step = 0
	report, err := Run(t.Context(), fleet(8, 0, 10), openRegistry(t), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Machines {
		if m.Cases == 0 || m.OracleSavings == 0 {
			t.Errorf("%s: %d cases, foresight saves %g", m.Resource, m.Cases, m.OracleSavings)
		}
	}
}
