package training

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/workload"
)

// Verdict is what became of a target.
type Verdict string

const (
	Promoted Verdict = "promoted"  // the night's model serves from now on
	Shadowed Verdict = "in shadow" // the night's model is better, and is tried beside the champion
	Kept     Verdict = "kept"      // what served before goes on
	FellBack Verdict = "fell back" // no model serves: the next link of the chain does
)

// TargetReport says what was fitted for one resource of one class, how it
// compared, and what became of it.
type TargetReport struct {
	Class    string  `json:"class"`
	Resource string  `json:"resource"`
	Rows     int     `json:"rows"`   // fitted on
	Shared   bool    `json:"shared"` // by the model of all classes
	Seconds  float64 `json:"fit_seconds"`
	Micros   float64 `json:"predict_micros_per_workload"`

	// LeansOn are the features the night's model gains most by, and their shares of the gain.
	LeansOn []string `json:"leans_on,omitempty"`

	Ratings  []Rating `json:"ratings"` // learned first, then the champion before, then the baselines
	Verdict  Verdict  `json:"verdict"`
	Why      string   `json:"why"`
	Champion string   `json:"champion"`         // id of the artefact in service now, "" when none is
	Before   string   `json:"before,omitempty"` // id of that in service until now

	// Challenger is the id of the artefact in shadow now, "" when none is.
	Challenger string `json:"challenger,omitempty"`
}

// leansShown is how many features a report names.
const leansShown = 3

// Names in a Rating of what is ours: the night's model, the one that served
// before, and the link of the chain behind them.
const (
	LearnedName     = "learned"
	ChampionName    = "champion"
	PercentilesName = "percentiles"
)

// learn fits the models of one resource and decides which of them serve.
func (n *night) learn(ctx context.Context, e *evidence) error {
	own, err := n.fitAll(ctx, e)
	if err != nil {
		return err
	}
	shared := own[models.AnyClass]
	var baselines []predictions // made when they are first needed
	classes := slices.Sorted(maps.Keys(e.train))
	if shared != nil && e.train[models.AnyClass] == nil {
		classes = append(classes, models.AnyClass) // for classes yet unseen
	}
	for i, class := range classes {
		n.OnProgress(Progress{fmt.Sprintf("judge %s", e.resource), i, len(classes)})
		c := own[class]
		if c == nil {
			c = shared
		}
		t, done := n.decided(e, class)
		if !done {
			if baselines == nil {
				if baselines, err = e.baselinePredictions(ctx); err != nil {
					return err
				}
			}
			if t, err = n.decide(e, class, c, baselines); err != nil {
				return err
			}
			n.checkpoint.Targets = append(n.checkpoint.Targets, t)
			if err := n.checkpoint.keep(); err != nil {
				return err
			}
		}
		n.report.Targets = append(n.report.Targets, t)
	}
	return nil
}

// fitAll fits the shared model, and one for each class with rows enough.
func (n *night) fitAll(ctx context.Context, e *evidence) (map[workload.Class]*candidate, error) {
	fitted := map[workload.Class]*candidate{}
	pooled := e.pooled(n.MaxRows)
	if len(pooled.targets) < fewestCases {
		return fitted, nil
	}
	classes := []workload.Class{models.AnyClass}
	for _, class := range slices.Sorted(maps.Keys(e.train)) {
		if class != models.AnyClass && len(e.train[class].targets) >= n.MinRows {
			classes = append(classes, class)
		}
	}
	for _, class := range classes {
		c, done := n.refit(e, class)
		if !done {
			rows := e.train[class]
			if class == models.AnyClass {
				rows = pooled
			}
			var err error
			if c, err = n.fit(ctx, e, class, rows); err != nil {
				return nil, err
			}
			if err := n.save(e, c); err != nil {
				return nil, err
			}
		}
		fitted[class] = c
	}
	return fitted, nil
}

// save stores a candidate, out of service, so that it need not be fitted again.
func (n *night) save(e *evidence, c *candidate) error {
	files, err := c.model.Encode()
	if err != nil {
		return err
	}
	meta, err := n.registry.Save(registry.Meta{
		Kind: registry.Learned, Class: c.class, Resource: e.resource, From: n.train.From, To: n.calibrate.To, Rows: c.rows,
		Metrics: e.metrics(c),
	}, files)
	if err != nil {
		return err
	}
	c.id = meta.ID
	n.checkpoint.Fitted[fittedKey(e, c.class)] = fitted{c.id, c.class, c.rows, c.took}
	return n.checkpoint.keep()
}

// metrics are those of a candidate on all that its own class is judged on.
func (e *evidence) metrics(c *candidate) map[string]float64 {
	p, _, err := e.learnedPredictions(LearnedName, c.model)
	if err != nil {
		return nil // said when it is rated
	}
	return e.rate(c.class, []predictions{p}, -1, -1)[0].metrics()
}

// decide rates the candidate beside the champion and the baselines. The winner is
// put in service when the night is over.
func (n *night) decide(e *evidence, class workload.Class, c *candidate, baselines []predictions) (t TargetReport, err error) {
	target := models.Target{Class: class, Resource: e.resource}
	role := registry.LearnedRole(target)
	t = TargetReport{Class: string(class), Resource: string(e.resource)}
	champions, err := n.registry.Champions()
	if err != nil {
		return t, err
	}
	t.Champion, t.Before = champions[role].ID, champions[role].ID
	b, err := n.hold(e, class, c, baselines, &t)
	if err != nil {
		return t, err
	}
	t.Verdict, t.Why = b.verdict()
	if trial := champions[role].Challenger; trial != nil {
		t.Challenger = trial.ID
		if t.Verdict == Shadowed {
			t.Verdict, t.Why = Kept, trialOn(trial, t.Why)
		}
	}
	if t.Verdict == Shadowed && n.AtOnce {
		t.Verdict = Promoted
	}
	switch t.Verdict {
	case Promoted:
		t.Champion, t.Challenger = c.id, ""
	case Shadowed:
		t.Challenger = c.id
	case FellBack:
		t.Champion, t.Challenger = "", ""
	}
	return t, nil
}

// trialOn says why a winner is not tried.
func trialOn(trial *registry.Term, why string) string {
	return fmt.Sprintf("the trial of %s, in shadow since %s, is not over; %s", trial.ID, trial.Since.Format(time.DateTime), why)
}

// hold lets everybody stand for a target: the candidate, the champion, and
// whatever might serve in their place.
func (n *night) hold(e *evidence, class workload.Class, c *candidate, baselines []predictions, t *TargetReport) (ballot, error) {
	var all []predictions
	challenger, champion := -1, -1
	if c != nil {
		t.Rows, t.Shared, t.Seconds = c.rows, c.class != class, c.took.Seconds()
		p, took, err := e.learnedPredictions(LearnedName, c.model)
		if err != nil {
			return ballot{}, err
		}
		t.Micros = float64(took) / float64(time.Microsecond)
		features, shares := c.model.LeansOn(leansShown)
		for i, f := range features {
			t.LeansOn = append(t.LeansOn, fmt.Sprintf("%s %.0f %%", f, 100*shares[i]))
		}
		challenger, all = 0, append(all, p)
	}
	if t.Champion != "" {
		p, err := n.championPredictions(e, t.Champion)
		if err != nil {
			n.report.Warnings = append(n.report.Warnings, fmt.Sprintf("champion of %s: %v", registry.LearnedRole(models.Target{Class: class, Resource: e.resource}), err))
		} else {
			champion, all = len(all), append(all, p)
		}
	}
	first := len(all)
	ratings := e.rate(class, append(all, baselines...), challenger, champion)
	b := ballot{baselines: ratings[first:]}
	if challenger >= 0 {
		b.challenger = &ratings[challenger]
	}
	if champion >= 0 {
		b.champion = &ratings[champion]
	}
	t.Ratings = ratings
	if len(ratings) > 0 && ratings[0].Cases == 0 {
		t.Ratings = []Rating{} // nothing to tell them apart by
	}
	return b, nil
}

func (n *night) championPredictions(e *evidence, id string) (predictions, error) {
	_, files, err := n.registry.Load(id)
	if err != nil {
		return predictions{}, err
	}
	m, err := models.DecodeLearned(files)
	if err != nil {
		return predictions{}, err
	}
	if m.Grid() != n.Grid {
		return predictions{}, fmt.Errorf("trained for another grid")
	}
	p, _, err := e.learnedPredictions(ChampionName, m)
	return p, err
}

func (r Rating) metrics() map[string]float64 {
	m := map[string]float64{"pinball_mean": r.Mean, "cases": float64(r.Cases)}
	for level, x := range r.Pinball {
		m["pinball_"+level] = x
		m["coverage_"+level] = r.Coverage[level]
	}
	return m
}
