package trial

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Tally sums measures of forecasts, apart for each app and day. The zero Tally
// is empty. It is not safe for concurrent use.
type Tally struct {
	cells map[place]*cell
	width int // measures of a case
}

// place is a cluster both ways.
type place struct {
	app string
	day int64 // since 1970, UTC
}

type cell struct {
	cases int
	sums  []float64
}

const dayLength = 24 * time.Hour

func dayOf(at time.Time) int64 { return at.Unix() / int64(dayLength/time.Second) }

// Add counts a case of app at a time: the same measures in the same order for
// every case.
func (t *Tally) Add(app string, at time.Time, measures ...float64) {
	t.add(place{app, dayOf(at)}, 1, measures)
}

func (t *Tally) add(p place, cases int, sums []float64) {
	if t.cells == nil {
		t.cells, t.width = map[place]*cell{}, len(sums)
	}
	c := t.cells[p]
	if c == nil {
		c = &cell{sums: make([]float64, t.width)}
		t.cells[p] = c
	}
	c.cases += cases
	for i, x := range sums {
		c.sums[i] += x
	}
}

// Cases returns the number of cases.
func (t *Tally) Cases() int {
	n := 0
	for _, c := range t.cells {
		n += c.cases
	}
	return n
}

// Forget drops the days that end before a time.
func (t *Tally) Forget(before time.Time) {
	first := dayOf(before)
	maps.DeleteFunc(t.cells, func(p place, _ *cell) bool { return p.day < first })
}

// Estimate returns the mean of measure i over all cases, and how far chance may
// have moved it. The error is cluster-robust two ways, by app and by day
// (Cameron, Gelbach and Miller, JBES 2011): V = V_app + V_day - V_both, each that
// of a ratio (Cochran, Sampling Techniques, 3rd edition, 9.8), and at least the
// larger of the first two. Where all cases share their app or their day the other
// way stands alone; where they share both nothing can be told.
func (t *Tally) Estimate(i int) Estimate {
	var cases, sum float64
	places := t.places()
	for _, p := range places {
		cases += float64(t.cells[p].cases)
		sum += t.cells[p].sums[i]
	}
	if cases == 0 {
		return Estimate{Mean: math.NaN(), Error: math.Inf(1)}
	}
	mean := sum / cases
	byApp, byDay, both := map[string]float64{}, map[int64]float64{}, 0.0
	for _, p := range places {
		off := t.cells[p].sums[i] - mean*float64(t.cells[p].cases)
		byApp[p.app] += off
		byDay[p.day] += off
		both += off * off
	}
	apps, days := squares(byApp), squares(byDay)
	both *= widened(len(places))
	e := Estimate{Mean: mean, Cases: int(cases)}
	switch {
	case len(byApp) < 2 && len(byDay) < 2:
		e.Error = math.Inf(1)
		return e
	case len(byDay) < 2:
		e.Freedom = len(byApp) - 1
		e.Error = math.Sqrt(apps) / cases
	case len(byApp) < 2:
		e.Freedom = len(byDay) - 1
		e.Error = math.Sqrt(days) / cases
	default:
		e.Freedom = min(len(byApp), len(byDay)) - 1
		e.Error = math.Sqrt(max(apps+days-both, apps, days)) / cases
	}
	return e
}

// places returns the clusters in an order: sums must not depend on that of a map.
func (t *Tally) places() []place { return slices.SortedFunc(maps.Keys(t.cells), comparePlaces) }

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.day, b.day))
}

func squares[K cmp.Ordered](offs map[K]float64) float64 {
	var sum float64
	for _, k := range slices.Sorted(maps.Keys(offs)) {
		sum += offs[k] * offs[k]
	}
	return sum * widened(len(offs))
}

// widened corrects a variance that n clusters show of themselves.
func widened(n int) float64 { return float64(n) / float64(max(n-1, 1)) }

// written is a cell on disk.
type written struct {
	App   string    `json:"app"`
	Day   int64     `json:"day"`
	Cases int       `json:"cases"`
	Sums  []float64 `json:"sums"`
}

// MarshalJSON writes the cells in their order.
func (t *Tally) MarshalJSON() ([]byte, error) {
	cells := []written{}
	for _, p := range t.places() {
		cells = append(cells, written{p.app, p.day, t.cells[p].cases, t.cells[p].sums})
	}
	return json.Marshal(cells)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Tally) UnmarshalJSON(data []byte) error {
	var cells []written
	if err := json.Unmarshal(data, &cells); err != nil {
		return err
	}
	*t = Tally{}
	for _, c := range cells {
		if c.Cases < 0 || len(c.Sums) != len(cells[0].Sums) {
			return fmt.Errorf("tally: %d cases with %d measures (want %d)", c.Cases, len(c.Sums), len(cells[0].Sums))
		}
		t.add(place{c.App, c.Day}, c.Cases, c.Sums)
	}
	return nil
}
