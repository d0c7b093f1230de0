package synthetic

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/workload"
)

// arrivalsFor is how long after the history arrivals go on.
const arrivalsFor = day

// makeMembers lists every workload that runs in the history or starts in the
// day after it.
func makeMembers(o Options, apps []*app) []*Member {
	from := o.End.Add(-time.Duration(o.Days) * day)
	to := o.End.Add(arrivalsFor)
	var members []*Member
	for _, a := range apps {
		switch {
		case a.runs() && a.fresh:
			members = append(members, a.jobs(o.End, o.End, to, o.Step)...)
		case a.runs():
			members = append(members, a.jobs(from.Add(-longestRun*a.length), from, to, o.Step)...)
		case a.fresh:
			members = append(members, a.launch(o.End, to, o.Step)...)
		default:
			members = append(members, a.replicas(from, o.End, to, o.Step)...)
		}
	}
	slices.SortFunc(members, func(a, b *Member) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Workload.ID, b.Workload.ID))
	})
	return members
}

// runs reports whether each run of the app is a workload of its own.
func (a *app) runs() bool { return a.class == workload.Batch || a.class == workload.MLTraining }

func (a *app) member(id string, n uint64, start, end time.Time) *Member {
	m := &Member{Workload: a.template, Class: a.class, Start: start, End: end, app: a, seed: hash(a.seed, n, saltMember)}
	m.Workload.ID = id
	return m
}

// stay is the member n of an app that stays.
func (a *app) stay(n int, start time.Time, step time.Duration) *Member {
	return a.member(fmt.Sprintf("%s-%d", a.name, n), uint64(n), start.Truncate(step), time.Time{})
}

// replicas returns the members of an app that stays. One in five starts during
// the history, so that some are young; every other app grows by a replica in the
// day after it.
func (a *app) replicas(from, end, to time.Time, step time.Duration) []*Member {
	var members []*Member
	for n := range a.members {
		start := from
		if u := uniform(a.seed, uint64(n), saltLateStart); u < .2 {
			start = from.Add(time.Duration(u / .2 * float64(end.Sub(from))))
		}
		members = append(members, a.stay(n, start, step))
	}
	if u := uniform(a.seed, uint64(a.members), saltLateStart); u < .5 {
		members = append(members, a.stay(a.members, end.Add(time.Duration(u/.5*float64(to.Sub(end)))), step))
	}
	return members
}

// launch returns the members of an app that is new after the history; they come
// together.
func (a *app) launch(end, to time.Time, step time.Duration) []*Member {
	start := end.Add(time.Duration(uniform(a.seed, 0, saltLateStart) * float64(to.Sub(end))))
	var members []*Member
	for n := range a.members {
		members = append(members, a.stay(n, start, step))
	}
	return members
}

// longestRun is the longest run of an app, in average ones.
const longestRun = 2

// jobs returns the runs of an app that start in [first, to) and end after from.
// One starts in each interval of its spacing since 1970, at a random place in it,
// so that the runs of a day do not depend on when the history begins.
func (a *app) jobs(first, from, to time.Time, step time.Duration) []*Member {
	var members []*Member
	for k := first.UnixNano() / int64(a.every); ; k++ {
		n := uint64(k)
		start := time.Unix(0, k*int64(a.every)+int64(uniform(a.seed, n, saltRun)*float64(a.every))).UTC().Truncate(step)
		if !start.Before(to) {
			return members
		}
		length := time.Duration((.5 + uniform(a.seed, n, saltBurstLength)) * float64(a.length))
		end := start.Add(max(length.Truncate(step), step))
		if !start.Before(first) && end.After(from) {
			members = append(members, a.member(fmt.Sprintf("%s-run-%d", a.name, k), n, start, end))
		}
	}
}
