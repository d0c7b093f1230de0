package learned

import (
	"github.com/auspex-project/auspex/models/gbdt"
)

// level is the quantile of the peak that is learned; calibration does the rest. What
// passes it is common enough to be learned from, where records are luck.
const level = .9

// form is a way to make a peak, and what calibration moves it towards, of what is
// known of a machine.
type form struct {
	low     low
	towards towards
	calm    bool // it moves less far over days of rest
}

// low is where the peak comes from.
type low int

const (
	threeWeeks low = iota // the largest of the summed history
	twoWeeks              // of less of it, for what has changed since
	oneDay                //
	sameHours             // the largest of the summed history in the hours of the horizon, on seven days
	yesterday             // the same on the last day alone
	weekday               // the same on this day of up to three weeks
	average               // the mean of the last day
	limits                // all that may be used
	boosted               // the learned quantile
)

// towards is what margins are told in: how far a peak moves from its low to
// another, larger one. What separates the sum of the members' own maxima from the
// largest sum is the credit taken for their not peaking together. Those of all
// time are nearly a bound; those of a week tell better what a machine is doing
// now, where members change.
type towards int

const (
	allTime   towards = iota // the sum of all-time maxima
	between                  // halfway between that and the sum of those of seven days
	share                    // no other peak: shares of the limit
	deviation                // standard deviations of the last day
	multiple                 // multiples of the low
)

// restful is how much less far a calm form moves over a horizon all of rest: what
// breaks records is mostly people at work.
const restful = .8

// learnedForms have the boosted quantile. How to tell days of rest takes weeks of them.
func learnedForms(weeks bool) []form {
	out := []form{{boosted, between, false}, {boosted, share, false}}
	if weeks {
		out = append(out, form{boosted, between, true})
	}
	return out
}

// simpleForms need no model, the plain one first.
func simpleForms() []form {
	return []form{
		{threeWeeks, allTime, false}, {twoWeeks, share, false}, {oneDay, share, false}, {sameHours, deviation, false},
		{sameHours, share, false}, {yesterday, share, false}, {yesterday, deviation, false}, {weekday, share, false}, {weekday, multiple, false}, {average, deviation, false}, {limits, share, false},
	}
}

// bounds are the peak of f and what it moves towards.
func (f form) bounds(v *view) (low, high float32) {
	low = f.peak(v)
	switch f.towards {
	case allTime:
		high = v.all
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
	switch {
	case f.low == twoWeeks:
		return v.m14
	case f.low == oneDay:
		return v.m1
	case f.low == sameHours:
		return v.same
	case f.low == yesterday:
		return v.yesterday
	case f.low == weekday:
		return v.weekday
	case f.low == average:
		return v.mean
	case f.low == limits:
		return v.limit
	case f.low == boosted && v.modelled:
		return min(v.limit, max(0, v.m14+v.learned*v.gap()))
	}
	return v.m21
}

// ask lets m predict the peak, in gaps above m14. It may be nil.
func (v *view) ask(m *gbdt.Model) {
	if v.modelled = m != nil; v.modelled {
		v.learned = predict(m, v)
	}
}

// predict returns the one quantile that m was fitted for.
func predict(m *gbdt.Model, v *view) float32 {
	var out [1]float32
	if err := m.Predict(v.features, out[:]); err != nil {
		panic(err) // the model was fitted on rows of look
	}
	return out[0]
}
