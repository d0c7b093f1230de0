package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
)

// ProfileReport says whether what is learned of slots to come, one model for a
// resource, takes the place of what earlier days tell of them.
type ProfileReport struct {
	Resource string       `json:"resource"`
	Rows     int          `json:"rows"` // fitted on
	Seconds  float64      `json:"fit_seconds"`
	Ratings  []SlotRating `json:"ratings"` // history's first, then the night's model, then the champion before
	Verdict  Verdict      `json:"verdict"`
	Why      string       `json:"why"`
	Champion string       `json:"champion"`         // id of the artefact in service now, "" when none is
	Before   string       `json:"before,omitempty"` // id of that in service until now

	// Challenger is the id of the artefact in shadow now, "" when none is.
	Challenger string `json:"challenger,omitempty"`
}

// SlotRating says how well slots to come were told over the test window, and what
// the sums of machines made of them would have violated and saved. Losses and
// errors are in shares of the limit.
type SlotRating struct {
	Name     string             `json:"name"`
	Pinball  map[string]float64 `json:"pinball"` // of a slot's largest usage, by level
	Mean     float64            `json:"pinball_mean"`
	Coverage map[string]float64 `json:"coverage"`
	Error    float64            `json:"mean_error"` // root mean square, of a slot's mean usage
	Cases    int                `json:"cases"`      // spans of workloads, all their slots
	Machines MachineScore       `json:"machines"`

	toHistory, toLearned trial.Estimate // its loss less theirs
}

// HistoryName is, among ratings of slots, what earlier days at the same hours tell.
const HistoryName = "history"

// learnProfiles decides for each resource where slots to come are told from.
func (n *night) learnProfiles(ctx context.Context) error {
	set, _ := n.set() // what is refused is said when sums are composed
	past := n.past.Build()
	for i, e := range n.evidence {
		n.OnProgress(Progress{"judge slots", i, len(n.evidence)})
		r, done := n.profiledBefore(e)
		if !done {
			var err error
			if r, err = n.learnProfile(ctx, e, set, past); err != nil {
				return err
			}
			n.checkpoint.Profiles = append(n.checkpoint.Profiles, r)
			if err := n.checkpoint.keep(); err != nil {
				return err
			}
		}
		e.slots = slotRows{}
		n.report.Profiles = append(n.report.Profiles, r)
	}
	return nil
}

// profiledBefore returns what an interrupted night has decided already.
func (n *night) profiledBefore(e *evidence) (ProfileReport, bool) {
	i := slices.IndexFunc(n.checkpoint.Profiles, func(r ProfileReport) bool { return r.Resource == string(e.resource) })
	if i < 0 {
		return ProfileReport{}, false
	}
	return n.checkpoint.Profiles[i], true
}

func (n *night) learnProfile(ctx context.Context, e *evidence, set *models.Set, past *models.Prior) (ProfileReport, error) {
	r := ProfileReport{Resource: string(e.resource), Rows: len(e.slots.at), Champion: set.ProfilerIDs[e.resource], Verdict: Kept}
	if r.Before = r.Champion; r.Champion == "" {
		r.Verdict = FellBack
	}
	if r.Rows < fewestCases {
		r.Why = "too few rows to learn from"
		return r, nil
	}
	champions, err := n.registry.Champions()
	if err != nil {
		return r, err
	}
	started := time.Now()
	model, err := n.fitProfile(ctx, e.resource, &e.slots)
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(started).Seconds()
	tellers := []teller{{name: HistoryName}, {name: LearnedName, model: model}}
	if champion := set.Profilers[e.resource]; champion != nil {
		tellers = append(tellers, teller{name: ChampionName, model: champion})
	}
	if r.Ratings, err = e.rateProfiles(ctx, tellers, set, past); err != nil {
		return r, err
	}
	r.Verdict, r.Why = profileVerdict(r.Ratings, n.Risk)
	if trial := champions[registry.ProfileRole(e.resource)].Challenger; trial != nil {
		r.Challenger = trial.ID
		if r.Verdict == Shadowed {
			r.Verdict, r.Why = Kept, trialOn(trial, r.Why)
		}
	}
	if r.Verdict == Shadowed && n.AtOnce {
		r.Verdict = Promoted
	}
	switch r.Verdict {
	case Promoted:
		r.Challenger = ""
		r.Champion, err = n.saveProfile(e, model, &r)
	case Shadowed:
		r.Challenger, err = n.saveProfile(e, model, &r)
	case FellBack:
		r.Champion, r.Challenger = "", ""
	}
	return r, err
}

func (n *night) saveProfile(e *evidence, model *models.Profiler, r *ProfileReport) (id string, err error) {
	files, err := model.Encode()
	if err != nil {
		return "", err
	}
	learned := &r.Ratings[1]
	metrics := map[string]float64{"pinball_mean": learned.Mean, "mean_error": learned.Error, "cases": float64(learned.Cases),
		"machines_violations": learned.Machines.Calibrated.ViolationRate, "machines_savings": learned.Machines.Calibrated.Savings}
	for level, x := range learned.Pinball {
		metrics["pinball_"+level], metrics["coverage_"+level] = x, learned.Coverage[level]
	}
	meta, err := n.registry.Save(registry.Meta{Kind: registry.Profile, Resource: e.resource, From: n.train.From, To: n.train.To, Rows: r.Rows, Metrics: metrics}, files)
	if err != nil {
		return "", err
	}
	n.checkpoint.Fitted[slotsKey(e)] = fitted{ID: meta.ID, Rows: r.Rows}
	return meta.ID, nil
}

func slotsKey(e *evidence) string { return "slots " + string(e.resource) }

// profileVerdict decides. A profiler may serve where its loss, over the levels of
// slots, is lower than that of earlier days by more than one standard error, and where
// machine sums made of it are passed no more often than risk or than those of earlier
// days, and save no less, calibrated and at matched violations. A champion that still
// may serve stays, unless the night's model has the lower loss: that is then tried in
// its shadow.
func profileVerdict(ratings []SlotRating, risk float64) (Verdict, string) {
	history, learned := &ratings[0], &ratings[1]
	if len(ratings) == 3 && history.Cases < fewestCases {
		return Kept, fmt.Sprintf("only %d cases to judge by (want %d)", history.Cases, fewestCases)
	}
	flaw, better := learned.flaw(history, risk)
	if len(ratings) < 3 {
		if flaw != "" {
			return FellBack, flaw
		}
		return Promoted, better
	}
	champion := &ratings[2]
	fault, _ := champion.flaw(history, risk)
	switch {
	case flaw == "" && fault != "":
		return Promoted, better + "; of the champion before, " + fault
	case flaw == "" && champion.toLearned.Mean > 0:
		return Shadowed, better
	case fault == "" && flaw != "":
		return Kept, flaw
	case fault == "":
		return Kept, fmt.Sprintf("the champion's loss of %.5f is not under the night's model's, %.5f", champion.Mean, learned.Mean)
	}
	return FellBack, "of the champion, " + fault + "; of the night's model, " + flaw
}

// flaw says why r may not take the place of history, "" where it may, and then how
// much better it is.
func (r *SlotRating) flaw(history *SlotRating, risk float64) (flaw, better string) {
	ours, theirs := r.Machines, history.Machines
	saved, before := ours.SavedAtMatched(), theirs.SavedAtMatched()
	gain := -r.toHistory.Mean
	switch {
	case r.Cases < fewestCases:
		return fmt.Sprintf("only %d cases to judge by (want %d)", r.Cases, fewestCases), ""
	case gain <= r.toHistory.Error:
		return fmt.Sprintf("its loss of %.5f a slot is not a standard error under that of earlier days, %.5f (by %.5f, of %.5f)", r.Mean, history.Mean, gain, r.toHistory.Error), ""
	case ours.Calibrated.ViolationRate > max(risk, theirs.Calibrated.ViolationRate):
		return fmt.Sprintf("sums of it are passed in %.2f %% of the cases, those of earlier days in %.2f %%", 100*ours.Calibrated.ViolationRate, 100*theirs.Calibrated.ViolationRate), ""
	case ours.Calibrated.Savings < theirs.Calibrated.Savings:
		return fmt.Sprintf("sums of it save %.1f %% behind margins of their own, those of earlier days %.1f %%", 100*ours.Calibrated.Savings, 100*theirs.Calibrated.Savings), ""
	case saved < before:
		return fmt.Sprintf("sums of it save %.1f %% at matched violations, those of earlier days %.1f %%", 100*saved, 100*before), ""
	}
	return "", fmt.Sprintf("its loss a slot is %.1f %% under that of earlier days (%.5f, %.5f), its sums save %.1f %% at matched violations where theirs save %.1f %%",
		100*(1-r.Mean/history.Mean), r.Mean, history.Mean, 100*saved, 100*before)
}

// SavedAtMatched is what is saved on average at matched violation rates of 5 % and
// less.
func (s MachineScore) SavedAtMatched() float64 {
	var sum, n float64
	for _, rate := range nominalRates {
		if v, ok := s.SavingsAt[trial.LevelKey(rate)]; ok && rate <= .05 {
			sum, n = sum+v, n+1
		}
	}
	return sum / max(n, 1)
}

// teller is a way to tell slots to come: a profiler, or without one earlier days.
type teller struct {
	name  string
	model *models.Profiler
}

// rateProfiles judges tellers on the test window, history first.
func (e *evidence) rateProfiles(ctx context.Context, tellers []teller, set *models.Set, past *models.Prior) ([]SlotRating, error) {
	served, err := e.servedPeaks(set)
	if err != nil {
		return nil, err
	}
	ratings, err := e.rateSlots(ctx, tellers)
	if err != nil {
		return nil, err
	}
	var contestants []backtest.Contestant
	for _, t := range tellers {
		c := composed{name: t.name, evidence: e, peaks: served, prior: past}
		if t.model != nil {
			if c.profiles, err = e.profiles(ctx, t.model); err != nil {
				return nil, err
			}
		}
		contestants = append(contestants, c)
	}
	machines := e.ownMachines()
	if len(machines) == 0 {
		machines = backtest.RandomMachines(e.panel, min(e.plan.Machine, max(len(e.panel.Tracks), 1)), replicates, e.plan.Seed)
	}
	cases, err := e.contest(machines).Run(ctx, contestants)
	if err != nil {
		return nil, fmt.Errorf("replay slots of machines for %s: %w", e.resource, err)
	}
	cut := e.panel.IndexOf(e.plan.test.From)
	for k, c := range contestants {
		ratings[k].Machines = e.scoreOf(c, backtest.Between(cases[k], 0, cut), backtest.Between(cases[k], cut, e.panel.Steps))
	}
	return ratings, nil
}

// ratedEvery is which of the spans of a workload are rated slot by slot: those of
// neighbouring hours share most of their slots.
const ratedEvery = 6

// rateSlots judges tellers slot by slot. What earlier days tell is moved, level by
// level, so that it held over the calibration window.
func (e *evidence) rateSlots(ctx context.Context, tellers []teller) ([]SlotRating, error) {
	levels := models.SlotLevels()
	shifts, err := e.slotShifts()
	if err != nil {
		return nil, err
	}
	ratings := make([]SlotRating, len(tellers))
	tallies := make([]trial.Tally, len(tellers))
	pinball, held := make([][]float64, len(tellers)), make([][]float64, len(tellers))
	for t := range tellers {
		pinball[t], held[t] = make([]float64, len(levels)), make([]float64, len(levels))
	}
	slotsSeen := 0
	told := slotTold{}
	for k := range e.judged {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		j := &e.judged[k]
		for i, at := range j.rows.at {
			if (i+k)%ratedEvery != 0 || !e.plan.judges(at) || !told.ask(e, k, i) {
				continue
			}
			losses := make([]float64, len(tellers))
			for t, by := range tellers {
				if err := told.by(by.model, j.owns[i].profile, shifts); err != nil {
					return nil, err
				}
				for s, y := range told.largest {
					if y != y {
						continue
					}
					for l, level := range levels {
						q := told.quantiles[s*len(levels)+l]
						loss := backtest.Pinball(level, float64(q), float64(y))
						pinball[t][l] += loss
						losses[t] += loss / float64(len(levels)*told.measured)
						if y <= q*(1+1e-5) {
							held[t][l]++
						}
					}
					ratings[t].Error += math.Pow(float64(told.means[s]-told.mean[s]), 2)
				}
			}
			slotsSeen += told.measured
			for t := range tellers {
				ratings[t].Cases++
				tallies[t].Add(j.app(), at, losses[t]-losses[0], losses[t]-losses[min(1, len(losses)-1)])
			}
		}
	}
	for t := range ratings {
		r := &ratings[t]
		r.Name, r.Pinball, r.Coverage = tellers[t].name, map[string]float64{}, map[string]float64{}
		if r.Cases == 0 {
			continue
		}
		n := float64(slotsSeen)
		for l, level := range levels {
			r.Pinball[trial.LevelKey(level)], r.Coverage[trial.LevelKey(level)] = pinball[t][l]/n, held[t][l]/n
			r.Mean += pinball[t][l] / n / float64(len(levels))
		}
		r.Error = math.Sqrt(r.Error / n)
		r.toHistory, r.toLearned = tallies[t].Estimate(0), tallies[t].Estimate(1)
	}
	return ratings, nil
}

// slotShifts returns, by level, what must be added to profiles of earlier days, as a
// share of the scale, for their slots to hold over the calibration window.
func (e *evidence) slotShifts() ([]float32, error) {
	var scores []float32
	told := slotTold{}
	for k := range e.judged {
		j := &e.judged[k]
		for i, at := range j.rows.at {
			if (i+k)%ratedEvery != 0 || !e.plan.calibrates(at) || !told.ask(e, k, i) {
				continue
			}
			for s, y := range told.largest {
				if y == y {
					scores = append(scores, y-j.owns[i].profile[s]/j.rows.scales[i])
				}
			}
		}
	}
	shifts := make([]float32, len(models.SlotLevels()))
	for l, level := range models.SlotLevels() {
		var ok bool
		if shifts[l], ok = models.ConformalQuantile(scores, level); !ok && len(scores) > 0 {
			shifts[l] = slices.Max(scores) // too few to tell: what held in all of them
		}
	}
	return shifts, nil
}

// slotTold is one span of a workload, slot by slot of the grid, in shares of its
// scale: what came of it, and what one teller says of it.
type slotTold struct {
	columns       *models.SlotColumns
	rows          []float32
	scale         float32
	largest, mean []float32 // NaN where nothing was measured
	measured      int

	quantiles []float32 // by slot, then level
	means     []float32
}

// ask looks at a judged row of a track; ok is false where it does not count.
func (t *slotTold) ask(e *evidence, track, row int) (ok bool) {
	j, g := &e.judged[track], e.plan.Grid
	if !j.owns[row].past.Settled() {
		return false
	}
	if t.columns == nil {
		t.columns = models.NewSlotColumns(g)
		t.largest, t.mean, t.means = make([]float32, g.Slots), make([]float32, g.Slots), make([]float32, g.Slots)
		t.quantiles = make([]float32, g.Slots*len(models.SlotLevels()))
	}
	at := j.rows.at[row]
	t.scale, t.measured = j.rows.scales[row], 0
	if t.rows, ok = t.columns.Before(t.rows[:0], j.timeline, at, float64(t.scale)); !ok {
		return false
	}
	first := g.Index(at)
	for s := range g.Slots {
		largest, mean := j.timeline.At(at.Add(time.Duration((s-first+g.Slots)%g.Slots) * g.Slot))
		t.largest[s], t.mean[s] = min(largest/t.scale, j.rows.caps[row]), min(mean/t.scale, j.rows.caps[row])
		if largest == largest {
			t.measured++
		}
	}
	return t.measured > 0
}

// by fills quantiles and means with what m predicts, or, where m is nil, with the
// profile of earlier days moved by the shift of each level.
func (t *slotTold) by(m *models.Profiler, profile, shifts []float32) error {
	if m != nil {
		return errors.Join(m.Quantiles(t.rows, t.quantiles), m.Means(t.rows, t.means))
	}
	for s, v := range profile {
		for l, shift := range shifts {
			t.quantiles[s*len(shifts)+l] = max(0, v/t.scale+shift)
		}
		t.means[s] = models.EarlierMean(t.rows, s)
	}
	return nil
}
