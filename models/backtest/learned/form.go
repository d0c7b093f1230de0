package learned

import (
	"github.com/auspex-project/auspex/models/gbdt"
)

// level is the quantile of the peak that is learned; calibration does the rest. What
// passes it is common enough to be learned from, where records are luck.
const level = .9

// form predicts a machine's peak from what is known of it, and says what calibration
// moves the prediction towards.
type form struct {
	low     low
	towards towards
	calm    bool // calibration moves it less far over weekends, see restful
}

// low is what the uncalibrated peak is taken from.
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

// restful is the share of its way that a calm form does not move over a horizon that
// lies within a weekend: records are mostly broken by people at work.
const restful = .8

// learnedForms returns the forms with the boosted quantile. The calm one is left out
// unless weeks are known: what weekends are like takes several of them to tell.
func learnedForms(weeks bool) []form {
	out := []form{{boosted, between, false}, {boosted, share, false}}
	if weeks {
		out = append(out, form{boosted, between, true})
	}
	return out
}

// simpleForms returns the forms that need no model, the sum of histories first.
func simpleForms() []form {
	return []form{
		{threeWeeks, allTime, false}, {twoWeeks, share, false}, {oneDay, share, false},
		{sameHours, deviation, false}, {sameHours, share, false},
		{yesterday, share, false}, {yesterday, deviation, false},
		{weekday, share, false}, {weekday, multiple, false},
		{average, deviation, false}, {limits, share, false},
	}
}

// bounds returns the peak of f and what calibration moves it towards.
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

// peak returns the uncalibrated peak of f. The summed history of three weeks answers
// for a boosted form without a model.
func (f form) peak(v *view) float32 {
	switch f.low {
	case twoWeeks:
		return v.m14
	case oneDay:
		return v.m1
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
	case boosted:
		if v.modelled {
			return min(v.limit, max(0, v.m14+v.learned*v.gap()))
		}
	}
	return v.m21
}

// ask lets m, which may be nil, predict the peak, in gaps above m14.
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
