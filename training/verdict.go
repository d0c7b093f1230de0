package training

import (
	"fmt"
	"slices"

	"github.com/auspex-project/auspex/models/trial"
)

// ballot is who stands for one target.
type ballot struct {
	challenger, champion *Rating // nil for none
	baselines            []Rating
}

// fewestCases is below which nothing new is promoted: a 99th percentile that
// held in all of fewer may still be passed in one case of a hundred (the rule of
// three; Hanley and Lippman-Hand, JAMA 1983).
const fewestCases = 300

// verdict decides. What serves stays until it is shown, at the error rate
// trial.Alpha, to be worse.
//
// To be promoted, or tried in shadow of a champion that has no fault, the
// challenger must not be shown to break its promises (unless what would serve in
// its place does too), must lose less than every baseline, and must be shown to
// lose less than the champion. Where it would take the place of the workloads' own
// percentiles it must lose less by more than one standard error: within that the
// simpler of two is preferred (the one-standard-error rule; Breiman et al.,
// Classification and Regression Trees, 1984, section 3.4.3). To demand more of the
// first champion would keep the worse of two for want of days.
func (b ballot) verdict() (Verdict, string) {
	flaw, better := b.flawOfChallenger()
	if b.champion == nil {
		if flaw != "" {
			return FellBack, flaw
		}
		return Promoted, better
	}
	fault := b.faultOfChampion()
	switch {
	case flaw == "" && fault != "":
		return Promoted, better + "; of the champion before, " + fault
	case fault != "":
		return FellBack, "of the champion, " + fault + "; of the night's model, " + flaw
	case flaw != "":
		return Kept, flaw
	case !b.champion.toChallenger.Above(0, trial.Alpha):
		return Kept, fmt.Sprintf("the champion's loss of %.5f is not shown to be beaten by %.5f (%s)", b.champion.Mean, b.challenger.Mean, within(b.champion.toChallenger))
	}
	return Shadowed, better + fmt.Sprintf("; %s under the champion's", within(b.champion.toChallenger))
}

// flawOfChallenger says why the challenger may not serve, "" where it may, and
// then how much better it is.
func (b ballot) flawOfChallenger() (flaw, better string) {
	c := b.challenger
	switch {
	case c == nil:
		return "too few rows to learn from", ""
	case c.Cases == 0:
		return "none of them had a day of history to be judged by", ""
	case c.Cases < fewestCases:
		return fmt.Sprintf("only %d cases to judge by (want %d)", c.Cases, fewestCases), ""
	}
	if broken := c.broken(); broken != "" && !b.fallbackBroken() {
		return broken, ""
	}
	best := &b.baselines[0]
	for i := range b.baselines {
		r := &b.baselines[i]
		if r.toChallenger.Mean <= 0 {
			return fmt.Sprintf("its loss of %.5f is not under %s, %.5f", c.Mean, r.Name, r.Mean), ""
		}
		if r.Name == PercentilesName && r.toChallenger.Mean <= r.toChallenger.Error {
			return fmt.Sprintf("its loss of %.5f is not a standard error under %s, %.5f (by %.5f, of %.5f)", c.Mean, r.Name, r.Mean, r.toChallenger.Mean, r.toChallenger.Error), ""
		}
		if r.Mean < best.Mean {
			best = r
		}
	}
	return "", fmt.Sprintf("its loss is %.1f %% under %s, the best baseline (%.5f, %.5f)", 100*(1-c.Mean/best.Mean), best.Name, c.Mean, best.Mean)
}

// fallbackBroken reports whether what would serve without a model is itself shown
// to break a promise: a world that changed holds back neither of two against the
// other.
func (b ballot) fallbackBroken() bool {
	return slices.ContainsFunc(b.baselines, func(r Rating) bool { return r.Name == PercentilesName && r.broken() != "" })
}

// faultOfChampion says what the champion is shown to do worse than it must, ""
// where nothing is.
func (b ballot) faultOfChampion() string {
	if broken := b.champion.broken(); broken != "" {
		return broken
	}
	for i := range b.baselines {
		r := &b.baselines[i]
		if r.toChampion.Below(0, trial.Alpha/float64(len(b.baselines))) {
			return fmt.Sprintf("its loss of %.5f is beaten by %s, %.5f (%s)", b.champion.Mean, r.Name, r.Mean, within(r.toChampion))
		}
	}
	return ""
}

// broken says which promise a rating is shown to break, "" where none is.
func (r *Rating) broken() string {
	for i, level := range trial.Promised() {
		if i < len(r.misses) && trial.Broken(level, r.misses[i]) {
			return trial.Describe(level, r.misses[i])
		}
	}
	return ""
}

// within writes a difference of losses with what chance may have done to it.
func within(e trial.Estimate) string {
	return fmt.Sprintf("by %.5f, give or take %.5f", e.Mean, e.Reach(trial.Alpha))
}
