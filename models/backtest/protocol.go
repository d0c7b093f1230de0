package backtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Protocol says how contestants are compared on a panel: by rolling origin. Over
// the test days, the last that hold data, each machine's peak is predicted every
// hour; before each of these days margins are calibrated anew, on the cases of
// the weeks before whose horizon has passed by then. So between what is learned
// or calibrated from and what is judged lies at least one horizon, and nothing
// that enters savings has seen the test.
type Protocol struct {
	Horizon    time.Duration // default 24 h
	Group      int           // workloads a machine; 0 = the machines of the trace
	Replicates int           // times the workloads are dealt to machines, default 5
	TestDays   int           // default 14
	Risk       float64       // nominal violation rate, default .01
	Seed       uint64
	Workers    int // 0 = GOMAXPROCS

	// OnProgress, if set, hears how far a phase is. Calls do not overlap.
	OnProgress func(phase string, done, total int)
}

const (
	DefaultHorizon = dayLength

	every         = time.Hour // between origins
	calibrateDays = 28

	mostReplicates = 10_000 // beyond it memory is what ends
)

func (o Protocol) withDefaults() (Protocol, error) {
	if o.Horizon == 0 {
		o.Horizon = DefaultHorizon
	}
	if o.Replicates == 0 {
		o.Replicates = 5
	}
	if o.TestDays == 0 {
		o.TestDays = 14
	}
	if o.Risk == 0 {
		o.Risk = .01
	}
	if o.OnProgress == nil {
		o.OnProgress = func(string, int, int) {}
	}
	switch {
	case o.Horizon < every || o.Horizon%every != 0 || o.Horizon > 7*dayLength:
		return o, fmt.Errorf("backtest: horizon %v (want whole hours, at most a week)", o.Horizon)
	case o.Group < 0:
		return o, fmt.Errorf("backtest: groups of %d workloads (want 0 or more)", o.Group)
	case o.Replicates < 1 || o.Replicates > mostReplicates:
		return o, fmt.Errorf("backtest: %d replicates (want 1 to %d)", o.Replicates, mostReplicates)
	case o.TestDays < 1:
		return o, fmt.Errorf("backtest: %d test days (want 1 or more)", o.TestDays)
	case !(o.Risk > 0 && o.Risk < 1):
		return o, fmt.Errorf("backtest: risk %g (want it between 0 and 1)", o.Risk)
	}
	return o, nil
}

// Validate returns what is wrong with o, whatever it is applied to.
func (o Protocol) Validate() error {
	_, err := o.withDefaults()
	return err
}

// Setting is a protocol applied to a panel: what is replayed, and when.
type Setting struct {
	Protocol
	Panel    *Panel
	Machines []*Machine
	Days     []Day // that hold data, rising; of a trace of a day or so, horizons
	Test     []Day // the last of them
	Origins  []int // of calibration and test

	calendar *calendar
	short    bool // Days are horizons
}

// Set applies the protocol to p.
func (o Protocol) Set(p *Panel) (*Setting, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if every%p.Step != 0 {
		return nil, fmt.Errorf("backtest: steps of %v do not divide an hour", p.Step)
	}
	s := &Setting{Protocol: o, Panel: p, calendar: newCalendar(p)}
	if err := s.split(); err != nil {
		return nil, err
	}
	s.Origins = s.OriginsOf(s.calibratedFrom(s.Test[0].From), p.Steps)
	s.Machines, err = s.deal()
	return s, err
}

// calibratedFrom returns the first step margins are calibrated on for step now:
// the weeks before whose horizon has passed, counted in days that hold data, without
// the first quarter of what is known, when too little was known to be like now: a
// day had no like a week before. From 38 days on the weeks alone decide.
func (s *Setting) calibratedFrom(now int) int {
	i, _ := slices.BinarySearchFunc(s.Days, now, func(d Day, step int) int { return d.From - step })
	return max(0, s.Days[max(i-calibrateDays, i/4)].From-s.Panel.StepsIn(s.Horizon))
}

func (s *Setting) deal() ([]*Machine, error) {
	if s.Group == 0 {
		machines := OwnMachines(s.Panel)
		if len(machines) == 0 {
			return nil, errors.New("backtest: the trace names no machines (give --group)")
		}
		return machines, nil
	}
	machines := s.Random(s.All(), s.Group, s.Replicates, s.Seed)
	if len(machines) == 0 {
		return nil, fmt.Errorf("backtest: %d workloads are too few for a machine of %d (give a smaller --group)", len(s.Panel.Tracks), s.Group)
	}
	return machines, nil
}

// All returns the indices of all tracks.
func (s *Setting) All() []int {
	all := make([]int, len(s.Panel.Tracks))
	for k := range all {
		all[k] = k
	}
	return all
}

// Random deals some tracks to machines, anew each day where few workloads of the
// trace are there at a time.
func (s *Setting) Random(tracks []int, size, replicates int, seed uint64) []*Machine {
	if s.Daily() {
		return dailyMachines(s.Panel, s.Days, tracks, size, replicates, seed)
	}
	part := *s.Panel
	part.Tracks = nil
	for _, k := range tracks {
		part.Tracks = append(part.Tracks, s.Panel.Tracks[k])
	}
	machines := RandomMachines(&part, size, replicates, seed)
	for _, m := range machines {
		m.panel = s.Panel
		for i := range m.Members {
			m.Members[i].Track = tracks[m.Members[i].Track]
		}
	}
	return machines
}

// Typical returns how many workloads a machine has: the median of those that have
// any when the test begins.
func (s *Setting) Typical() int {
	if s.Group > 0 {
		return s.Group
	}
	i, _ := slices.BinarySearch(s.Origins, s.Test[0].From)
	var sizes []int
	for _, m := range s.Machines {
		if n := len(m.At(s.Origins[i]).Present); n > 0 {
			sizes = append(sizes, n)
		}
	}
	if len(sizes) == 0 {
		return 1
	}
	slices.Sort(sizes)
	return sizes[len(sizes)/2]
}

// Daily reports whether random machines are dealt anew each day.
func (s *Setting) Daily() bool { return s.calendar.shortLived(len(s.Panel.Tracks)) }

// OriginsOf returns the moments in steps [from, to) of which a peak can be asked:
// whose horizon is covered by data.
func (s *Setting) OriginsOf(from, to int) []int {
	return s.calendar.origins(Day{from, to}, s.Panel.StepsIn(every), s.Panel.StepsIn(s.Horizon))
}

// Contest returns the contest on machines.
func (s *Setting) Contest(machines []*Machine) Contest {
	return Contest{Panel: s.Panel, Machines: machines, Origins: s.Origins, Horizon: s.Horizon, Workers: s.Workers, Seed: s.Seed}
}

// Evaluate replays contestants by the setting and reports on each, raw and
// calibrated; those named in only behind calibration alone.
func (s *Setting) Evaluate(ctx context.Context, contestants []Contestant, only ...string) (*Report, *Replay, error) {
	contest := s.Contest(s.Machines)
	contest.OnProgress = func(done, total int) { s.OnProgress("replay", done, total) }
	replay, err := contest.Replay(ctx, contestants)
	if err != nil {
		return nil, nil, fmt.Errorf("backtest: %w", err)
	}
	t := newTest(s, replay)
	if len(t.moments) == 0 {
		return nil, nil, errors.New("backtest: no machine has a member in the test days")
	}
	r := t.report()
	judged := make([][]Predictor, len(replay.Predictions))
	err = Parallel(ctx, s.Workers, len(judged), func(k int) {
		p := &replay.Predictions[k]
		if !slices.Contains(only, p.Name) {
			judged[k] = append(judged[k], t.raw(p))
		}
		judged[k] = append(judged[k], t.calibrated(p))
	})
	if err != nil {
		return nil, nil, fmt.Errorf("backtest: %w", err)
	}
	r.Predictors = slices.Concat(judged...)
	return r, replay, nil
}
