package training

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/timeseries"
)

// split cuts a history by time into what is learned from, what quantiles are
// calibrated on, and what all is judged on. Forecasts are made in each part,
// never so close to its end that what they are about reaches into the next:
// between the last forecast of one part and the first of the next lies one span.
//
// The margins of machines need weeks of calibration, and hardly depend on what
// was learned: their window, which also ends where the test begins, reaches back
// into what was learned from.
type split struct {
	whole, train, calibrate, test timeseries.Window
	margins                       timeseries.Window
	span                          time.Duration

	// pastEnd is the end of what priors are fitted on to be judged, by all that
	// comes after: the earliest begin of any other part.
	pastEnd time.Time
}

const dayLength = 24 * time.Hour

// newSplit cuts the history seen in w, its ends being the first and the last
// sample. ok is false, with the reason, where it is too short to learn from.
func newSplit(w timeseries.Window, o Options) (s split, why string, ok bool) {
	slot, span := o.Grid.Slot, o.Grid.Span()
	s = split{span: span}
	s.whole.To = w.To.Truncate(slot).Add(slot)
	s.whole.From = w.From.Truncate(slot)
	if earliest := s.whole.To.Add(-o.Window); s.whole.From.Before(earliest) {
		s.whole.From = earliest
	}
	length := s.whole.Duration()
	if least := 4*span + dayLength; length < least {
		return s, fmt.Sprintf("%.3g days of history (want at least %.3g)", length.Hours()/24, least.Hours()/24), false
	}
	// A short history is cut in the same proportions as a long one.
	days := func(n int, share time.Duration) time.Duration {
		return min(time.Duration(n)*dayLength, max(share, span+slot))
	}
	test, calibrate, margins := days(o.TestDays, length/5), days(o.CalibrateDays, length/5), days(o.MarginDays, length/2)
	s.test = timeseries.Window{From: s.whole.To.Add(-test).Truncate(slot), To: s.whole.To}
	s.calibrate = timeseries.Window{From: s.test.From.Add(-calibrate).Truncate(slot), To: s.test.From}
	s.margins = timeseries.Window{From: s.test.From.Add(-margins).Truncate(slot), To: s.test.From}
	s.train = timeseries.Window{From: s.whole.From, To: s.calibrate.From}
	s.pastEnd = earlier(s.margins.From, s.calibrate.From)
	return s, "", true
}

// trains, calibrates, composes and judges report in which part a forecast made at t is of
// use: its span must end within the part.
func (s split) trains(t time.Time) bool     { return s.within(s.train, t) }
func (s split) calibrates(t time.Time) bool { return s.within(s.calibrate, t) }
func (s split) composes(t time.Time) bool   { return s.within(s.margins, t) }
func (s split) judges(t time.Time) bool     { return s.within(s.test, t) }

func (s split) within(w timeseries.Window, t time.Time) bool {
	return w.Contains(t) && !t.Add(s.span).After(w.To)
}
