package learned

import (
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// view is a machine at an origin, as the models see it: everything in it lies
// before the origin.
type view struct {
	limit     float32
	m1        float32 // largest sum of the last day
	m14, m21  float32 // largest sum of the last 14 and 21 days
	same      float32 // largest sum in the hours of the horizon, on the last seven days
	yesterday float32 // the same on the last day alone
	weekday   float32 // the same on this weekday of the last three weeks; as same while less than a week is known
	mean      float32 // mean of the sum over the last day
	deviation float32 // standard deviation of the sum over the last day
	s14       float32 // sum of the members' own maxima over 14 days
	week      float32 // sum of their maxima over 7 days; the young count with their limits
	all       float32 // sum of their all-time maxima; the young count with their limits
	young     float32 // share of the limit whose members are younger than youngAge
	younger   float32 // share of the limit whose members are younger than a day
	rest      float32 // share of the horizon that falls on Saturday or Sunday
	members   int
	features  []float32

	learned  float32 // quantile of the peak above m14, in gaps
	modelled bool    // learned is known
}

// youngAge is up to when a workload counts as just started.
const youngAge = 2 * time.Hour

// windows are the hours over which maxima are looked at.
var windows = [...]int{1, 3, 6, 12, 24, 48, 72, 7 * 24}

// base returns what features are expressed in multiples of.
func (v *view) base() float32 { return max(v.m14, .002*v.limit) }

// gap returns what targets are expressed in multiples of.
func (v *view) gap() float32 { return max(v.s14-v.m14, 0) + v.floor() }

// floor returns what forecast.Peak adds to the distance that margins are shares of.
func (v *view) floor() float32 { return .01 * v.limit }

// look fills v with what is known of a membership at an origin.
func (l *Peak) look(v *view, at backtest.Membership, sum *backtest.Sum, origin int) {
	p := l.setting.Panel
	hour := p.StepsIn(time.Hour)
	hours := func(n int) int { return origin - n*hour }
	v.limit = at.Limit
	v.rest = rest(p.Time(origin), l.setting.Horizon)
	v.m14, v.m21 = sum.Max(hours(14*24), origin), sum.Max(hours(21*24), origin)
	v.m1 = sum.Max(hours(24), origin)
	members := l.members(v, at, origin)
	v.members, v.younger = len(at.Present), members.younger/v.limit
	base := v.base()
	f := v.features[:0]
	add := func(x float32) { f = append(f, x/base) }

	f = append(f, float32(math.Log(float64(v.limit/base))), float32(v.members), v.young, v.younger)
	add(v.m21)
	add(v.s14)
	add(v.all)
	add(members.week)
	add(members.usual)
	add(members.headroom[0])
	add(members.headroom[1])
	add(members.record[0])
	add(members.record[1])
	f = append(f, members.largest/v.limit)
	add(members.largestPeak)
	add(float32(math.Sqrt(members.variance)))

	for _, n := range windows {
		add(sum.Max(hours(n), origin))
	}
	for _, n := range [...]int{1, 6, 12, 24, 7 * 24, 14 * 24} {
		mean, squares := sum.Moments(hours(n), origin)
		add(float32(mean))
		if n >= 6 {
			add(float32(math.Sqrt(max(0, squares-mean*mean))))
		}
		if n == 24 {
			v.mean, v.deviation = float32(mean), float32(math.Sqrt(max(0, squares-mean*mean)))
		}
	}
	known := func(days int, x float32) float32 { // not a day before the trace begins
		if hours(days*24) < 0 {
			return float32(math.NaN())
		}
		return x
	}
	ahead := p.StepsIn(l.setting.Horizon)
	sameHours := func(days int) float32 { return sum.Max(hours(days*24), min(hours(days*24)+ahead, origin)) }
	v.yesterday = sameHours(1)
	v.same = v.yesterday
	for d := 2; d <= 7; d++ {
		v.same = max(v.same, sameHours(d))
	}
	if v.weekday = max(sameHours(7), sameHours(14), sameHours(21)); hours(7*24) < 0 {
		v.weekday = v.same
	}
	add(known(1, v.yesterday))
	add(known(7, sameHours(7)))

	var daily [14]float32
	for d := range daily {
		daily[d] = sum.Max(hours((d+1)*24), hours(d*24))
	}
	for d := range 8 {
		add(known(d+1, daily[d]))
	}
	add(known(14, daily[13]))
	slices.Sort(daily[:])
	add(daily[12])
	add(daily[11])
	add(daily[7])

	hourly := slices.Clone(sum.Maxima(hours(14*24), origin))
	slices.Sort(hourly)
	for _, q := range [...]float64{.5, .9, .99} {
		x := float32(0)
		if len(hourly) > 0 {
			x = hourly[int(q*float64(len(hourly)-1))]
		}
		add(x)
	}
	clock := p.Time(origin)
	f = append(f, float32(clock.Hour()), float32(clock.Weekday()))
	v.features = f
}

// rest returns the share of the hours from t on that fall on Saturday or Sunday.
func rest(t time.Time, horizon time.Duration) float32 {
	hours := int(horizon / time.Hour)
	n := 0
	for h := range hours {
		switch t.Add(time.Duration(h) * time.Hour).Weekday() {
		case time.Saturday, time.Sunday:
			n++
		}
	}
	return float32(n) / float32(hours)
}

// members is what is known of a machine's workloads one by one.
type members struct {
	week        float32    // sum of their maxima over seven days
	usual       float32    // sum of their median daily maxima
	younger     float32    // sum of the limits of those younger than a day
	headroom    [2]float32 // the two largest differences between a limit and the maximum of 14 days
	record      [2]float32 // the two largest differences between an all-time maximum and that of 14 days
	largest     float32    // largest limit
	largestPeak float32    // largest maximum of 14 days
	variance    float64    // sum of their variances over a day, as if they were independent
}

func (l *Peak) members(v *view, at backtest.Membership, origin int) members {
	p := l.setting.Panel
	perHour := p.StepsIn(time.Hour)
	hour := origin / perHour
	var m members
	v.s14, v.week, v.all, v.young = 0, 0, 0, 0
	for i, k := range at.Present {
		limit := at.Limits[i]
		since := p.Tracks[k].First()
		a := &l.pasts[k]
		peak14, peak7, ever := a.over(hour-14*24, hour), a.over(hour-7*24, hour), a.before(hour)
		usual := usualPeak(a, hour)
		variance := a.variance(hour-24, hour)
		if at.Since != nil {
			variance = 0
			since = max(since, at.Since[i])
			known := p.Tracks[k].Max(since, origin)
			if known != known {
				known = 0
			}
			peak14, peak7, ever, usual = known, known, known, known
		}
		peak14, peak7, ever = min(peak14, limit), min(peak7, limit), min(ever, limit)
		v.s14 += peak14
		v.week += peak7
		v.all += ever
		m.week += peak7
		m.variance += variance
		m.usual += min(usual, limit)
		switch age := origin - since; {
		case age < p.StepsIn(youngAge):
			v.young += limit / v.limit
			m.younger += limit
			v.week += limit - peak7 // what it came to so far says nothing
			v.all += limit - ever
		case age < p.StepsIn(day):
			m.younger += limit
		}
		topTwo(&m.headroom, limit-peak14)
		topTwo(&m.record, ever-peak14)
		m.largest = max(m.largest, limit)
		m.largestPeak = max(m.largestPeak, peak14)
	}
	return m
}

// usualPeak is the median of the last seven daily maxima.
func usualPeak(a *past, hour int) float32 {
	var daily [7]float32
	for d := range daily {
		daily[d] = a.over(hour-(d+1)*24, hour-d*24)
	}
	slices.Sort(daily[:])
	return daily[3]
}

// topTwo enters x into the two largest values.
func topTwo(top *[2]float32, x float32) {
	switch {
	case x > top[0]:
		top[0], top[1] = x, top[0]
	case x > top[1]:
		top[1] = x
	}
}
