package backtest

import (
	"fmt"
	"slices"
)

const (
	fewestOrigins = 6 // of a trace cut by hours
	testShare     = 3 // one part in so many of a trace cut by hours is tested
)

// split parts what there is into Days to learn and calibrate from and the last of
// them, Test. A trace too short for whole days is cut into horizons instead, the
// last third of which is tested.
func (s *Setting) split() error {
	days := s.calendar.days
	switch {
	case len(days) > s.TestDays:
		s.Days, s.Test = days, days[len(days)-s.TestDays:]
		if len(s.OriginsOf(s.Test[0].From, s.Panel.Steps)) > 0 {
			return nil
		}
		if s.TestDays > 1 || len(days) > 2 {
			return fmt.Errorf("backtest: no %s of the test days are covered by data (give a shorter --horizon or more --test-days)", horizonText(s.Horizon))
		}
	case s.TestDays > 1 || len(days) > 1:
		return fmt.Errorf("backtest: days of the trace that hold data: %d, too few to test on %d and calibrate before (give --test-days %d or less)",
			len(days), s.TestDays, max(len(days)-1, 1))
	}
	return s.cut()
}

// cut is split for a trace of a day or so.
func (s *Setting) cut() error {
	origins := s.OriginsOf(0, s.Panel.Steps)
	if len(origins) < fewestOrigins {
		return fmt.Errorf("backtest: peaks of %s can be asked for in %d hours of the trace, too few to calibrate on some and test on the others (give a shorter --horizon)",
			horizonText(s.Horizon), len(origins))
	}
	begin := origins[0] / s.Panel.StepsIn(every) * s.Panel.StepsIn(every)
	test := origins[len(origins)-len(origins)/testShare]
	s.Days = slices.Concat(s.pieces(begin, test), s.pieces(test, s.Panel.Steps))
	first, _ := slices.BinarySearchFunc(s.Days, test, func(d Day, step int) int { return d.From - step })
	s.Test = s.Days[first:]
	s.short = true
	return nil
}

// pieces cuts steps [from, to) into horizons.
func (s *Setting) pieces(from, to int) []Day {
	var out []Day
	for horizon := s.Panel.StepsIn(s.Horizon); from < to; from += horizon {
		out = append(out, Day{from, min(from+horizon, to)})
	}
	return out
}

// weeks returns the test days by sevens, or all of them where they are no days.
func (s *Setting) weeks() [][]Day {
	if s.short {
		return [][]Day{s.Test}
	}
	return slices.Collect(slices.Chunk(s.Test, 7))
}
