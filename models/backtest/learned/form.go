package learned

import (
	"github.com/auspex-project/auspex/models/gbdt"
)

// levels are the quantiles of the peak that are learned; calibration does the rest.
var levels = [...]float64{.9, .98}

// form is a way to make a peak, and what calibration moves it towards, of what is
// known of a machine.
type form struct {
	low     low
	floored bool // a learned peak is never under the summed history of two weeks
	towards towards
	calm    bool // it moves less far over days of rest
}

// low is where the peak comes from.
type low int

const (
	threeWeeks  low = iota // the largest of the summed history
	twoWeeks               // of less of it, for what has changed since
	oneWeek                //
	threeDays              //
	oneDay                 //
	ownWeek                // the sum of the members' own maxima
	ownTwoWeeks            //
	sameHours              // the largest of the summed history in the hours of the horizon, on seven days
	yesterday              // the same of the last day alone
	weekday                // the same of this day of up to three weeks
	average                // the mean of the last day
	limits                 // all that may be used
	learnedLow             // the first of levels
	learnedHigh            // the last
	learnedMean            // of both
	lows
)

// towards is what margins are told in: how far a peak moves from its low to
// another, larger one. What separates the sum of the members' own maxima from the
// largest sum is the credit taken for their not peaking together. Those of all
// time are nearly a bound; those of a week tell better what a machine is doing
// now, where members change.
type towards int

const (
	allTime   towards = iota // the sum of all-time maxima
	week                     // of those of seven days
	between                  // halfway between the two
	share                    // no other peak: shares of the limit
	deviation                // standard deviations of the last day
	multiple                 // multiples of the low
	targets
)

// restful is how much less far a calm form moves over a horizon all of rest: what
// breaks records is mostly people at work.
const restful = .8

// forms are all there are, the plain one first and the learned ones last. Those that
// tell days of rest need weeks to be judged on.
func forms(weeks, learned bool) []form {
	var out []form
	for l := range lows {
		if l >= learnedLow && !learned {
			break
		}
		for t := range targets {
			if l == limits && t != share {
				continue
			}
			for _, calm := range [...]bool{false, true} {
				if calm && (!weeks || t > between) {
					continue
				}
				out = append(out, form{l, false, t, calm})
				if l >= learnedLow {
					out = append(out, form{l, true, t, calm})
				}
			}
		}
	}
	return out
}

// bounds are the peak of f and what it moves towards.
func (f form) bounds(v *view) (low, high float32) {
	low = f.peak(v)
	switch f.towards {
	case allTime:
		high = v.all
	case week:
		high = v.week
	case between:
		high = (v.week + v.all) / 2
	case share:
		high = low
	case deviation:
		high = low + v.deviation
	case multiple:
		high = 2 * low
	}
	if f.calm {
		high = low + (1-restful*v.rest)*max(high-low, 0)
	}
	return low, high
}

// peak is the low of f. Without a model the summed history answers for it.
func (f form) peak(v *view) float32 {
	z := v.learned[0]
	switch f.low {
	case twoWeeks:
		return v.m14
	case oneWeek:
		return v.m7
	case threeDays:
		return v.m3
	case oneDay:
		return v.m1
	case ownWeek:
		return v.week
	case ownTwoWeeks:
		return max(v.s14, v.week)
	case sameHours:
		return v.same
	case yesterday:
		return v.yesterday
	case weekday:
		return v.weekday
	case average:
		return v.mean
	case limits:
		return v.limit
	case learnedHigh:
		z = v.learned[len(levels)-1]
	case learnedMean:
		z = (v.learned[0] + v.learned[len(levels)-1]) / 2
	}
	if f.low < learnedLow || !v.modelled {
		return v.m21
	}
	if f.floored {
		z = max(z, 0)
	}
	return min(v.limit, max(0, v.m14+z*v.gap()))
}

// ask lets m predict the levels of the peak, in gaps above m14. It may be nil.
func (v *view) ask(m *gbdt.Model) {
	if v.modelled = m != nil; v.modelled {
		predict(m, v, v.learned[:])
	}
}

func predict(m *gbdt.Model, v *view, out []float32) {
	if err := m.Predict(v.features, out); err != nil {
		panic(err) // the model was fitted on rows of look
	}
}
