package training

import (
	"context"
	"fmt"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/workload"
)

// Verdict is what became of a target.
type Verdict string

const (
	Promoted Verdict = "promoted"  // the night's model serves from now on
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

	Ratings  []Rating `json:"ratings"` // learned first, then the champion before, then the baselines
	Verdict  Verdict  `json:"verdict"`
	Why      string   `json:"why"`
	Champion string   `json:"champion"` // id of the artefact in service now, "" when none is
}

const (
	challengerName = "learned"
	championName   = "champion"

	// tooFewCases is below which nothing is promoted: a hundred forecasts do not
	// tell a good 99th percentile from a bad one.
	tooFewCases = 200

	// tooManyMisses is how many times the misses a level allows make its promise
	// broken, beyond what chance explains: a 99th percentile may be passed in
	// 1.5 % of the cases, and in more where the cases are so few, or so alike,
	// that 1.5 % cannot be told from it.
	tooManyMisses = 1.5

	// better is the least a challenger must improve the champion's loss by.
	better = .005
)

// learn fits the models of one resource and decides which of them serve.
func (n *night) learn(ctx context.Context, e *evidence) error {
	own, err := n.fitAll(ctx, e)
	if err != nil {
		return err
	}
	shared := own[models.AnyClass]
	baselines, err := e.baselinePredictions(ctx)
	if err != nil {
		return err
	}
	classes := sortedKeys(e.train)
	if shared != nil && e.train[models.AnyClass] == nil {
		classes = append(classes, models.AnyClass) // for classes yet unseen
	}
	for i, class := range classes {
		n.OnProgress(Progress{fmt.Sprintf("judge %s", e.resource), i, len(classes)})
		c := own[class]
		if c == nil {
			c = shared
		}
		if err := n.decide(e, class, c, baselines); err != nil {
			return err
		}
	}
	return nil
}

// fitAll fits the shared model, and one for each class with rows enough.
func (n *night) fitAll(ctx context.Context, e *evidence) (map[workload.Class]*candidate, error) {
	fitted := map[workload.Class]*candidate{}
	pooled := e.pooled(n.MaxRows)
	if len(pooled.targets) < tooFewCases {
		return fitted, nil
	}
	var err error
	if fitted[models.AnyClass], err = n.fit(ctx, e, models.AnyClass, pooled); err != nil {
		return nil, err
	}
	for _, class := range sortedKeys(e.train) {
		if r := e.train[class]; class != models.AnyClass && len(r.targets) >= n.MinRows {
			if fitted[class], err = n.fit(ctx, e, class, r); err != nil {
				return nil, err
			}
		}
	}
	return fitted, nil
}

// decide rates the candidate beside the champion and the baselines, and puts
// the winner in service.
func (n *night) decide(e *evidence, class workload.Class, c *candidate, baselines []predictions) error {
	target := models.Target{Class: class, Resource: e.resource}
	role := registry.LearnedRole(target)
	t := TargetReport{Class: string(class), Resource: string(e.resource)}
	defer func() { n.report.Targets = append(n.report.Targets, t) }()

	champions, err := n.registry.Champions()
	if err != nil {
		return err
	}
	t.Champion = champions[role].ID

	var ballot ballot
	if c != nil {
		t.Rows, t.Shared, t.Seconds = c.rows, c.class != class, c.took.Seconds()
		p, took, err := e.learnedPredictions(challengerName, c.model)
		if err != nil {
			return err
		}
		t.Micros = float64(took) / float64(time.Microsecond)
		ballot.challenger = ref(e.rate(class, p))
		t.Ratings = append(t.Ratings, *ballot.challenger)
		if ballot.challenger.Cases == 0 {
			baselines, t.Ratings = nil, []Rating{} // nothing to tell them apart by
		}
	}
	if t.Champion != "" {
		rating, err := n.rateChampion(e, class, t.Champion)
		if err != nil {
			n.report.Warnings = append(n.report.Warnings, fmt.Sprintf("champion of %s: %v", role, err))
		} else {
			ballot.champion = &rating
			t.Ratings = append(t.Ratings, rating)
		}
	}
	for _, p := range baselines {
		r := e.rate(class, p)
		t.Ratings = append(t.Ratings, r)
		if ballot.baseline == nil || r.Mean < ballot.baseline.Mean {
			ballot.baseline = &r
		}
	}

	t.Verdict, t.Why = ballot.verdict()
	switch t.Verdict {
	case Promoted:
		return n.promote(e, role, c, &t)
	case FellBack:
		_, served := champions[role]
		if !served || t.Champion != "" {
			err = n.registry.Promote(role, "", t.Why)
		}
		t.Champion = ""
		return err
	}
	return nil
}

func (n *night) rateChampion(e *evidence, class workload.Class, id string) (Rating, error) {
	_, files, err := n.registry.Load(id)
	if err != nil {
		return Rating{}, err
	}
	m, err := models.DecodeLearned(files)
	if err != nil {
		return Rating{}, err
	}
	if m.Grid() != n.Grid {
		return Rating{}, fmt.Errorf("trained for another grid")
	}
	p, _, err := e.learnedPredictions(championName, m)
	if err != nil {
		return Rating{}, err
	}
	return e.rate(class, p), nil
}

// promote saves the candidate, once, and puts it in service.
func (n *night) promote(e *evidence, role registry.Role, c *candidate, t *TargetReport) error {
	if c.id == "" {
		files, err := c.model.Encode()
		if err != nil {
			return err
		}
		meta, err := n.registry.Save(registry.Meta{
			Kind: registry.Learned, Class: c.class, Resource: e.resource, From: n.train.From, To: n.calibrate.To, Rows: c.rows,
			Metrics: t.Ratings[0].metrics(),
		}, files)
		if err != nil {
			return err
		}
		c.id = meta.ID
	}
	t.Champion = c.id
	return n.registry.Promote(role, c.id, t.Why)
}

func (r Rating) metrics() map[string]float64 {
	m := map[string]float64{"pinball_mean": r.Mean, "cases": float64(r.Cases)}
	for level, x := range r.Pinball {
		m["pinball_"+level] = x
		m["coverage_"+level] = r.Coverage[level]
	}
	return m
}

// ballot is who stands for one target. The best baseline always does.
type ballot struct {
	challenger, champion, baseline *Rating
}

// verdict decides. Lower mean loss wins; a model must also keep what its upper
// quantiles promise.
func (b ballot) verdict() (Verdict, string) {
	if b.challenger == nil {
		if b.champion == nil {
			return FellBack, "too few rows to learn from"
		}
		return Kept, "too few rows to learn anew from"
	}
	if b.challenger.Cases < tooFewCases {
		why := fmt.Sprintf("only %d cases to judge by (want %d)", b.challenger.Cases, tooFewCases)
		if b.challenger.Cases == 0 {
			why = "none of them had a day of history to be judged by"
		}
		if b.champion == nil {
			return FellBack, why
		}
		return Kept, why
	}
	best, why := b.challenger, ""
	if b.champion != nil && b.challenger.Mean > b.champion.Mean*(1-better) {
		best, why = b.champion, fmt.Sprintf("the champion's loss of %.5f is not beaten by %.5f; ", b.champion.Mean, b.challenger.Mean)
	}
	if behind := best.behind(); behind != "" {
		return FellBack, why + behind
	}
	if best.Mean >= b.baseline.Mean {
		return FellBack, fmt.Sprintf("%sits loss of %.5f does not beat %s, %.5f", why, best.Mean, b.baseline.Name, b.baseline.Mean)
	}
	gain := fmt.Sprintf("%.1f %% under %s, the best baseline (%.5f, %.5f)", 100*(1-best.Mean/b.baseline.Mean), b.baseline.Name, best.Mean, b.baseline.Mean)
	if best == b.champion {
		return Kept, why + "it is " + gain
	}
	return Promoted, "its loss is " + gain
}

// behind says which promise a rating does not keep, "" when all are. Chance is
// given the benefit of the doubt, but not of having seen a single app: then
// every level must hold as it is.
func (r *Rating) behind() string {
	for _, level := range [...]struct {
		key string
		p   float64
	}{{"0.95", .95}, {"0.98", .98}, {"0.99", .99}} {
		covered, chance := r.Coverage[level.key], max(r.Chance[level.key], 0)
		if covered+chance < 1-tooManyMisses*(1-level.p) {
			return fmt.Sprintf("its %s quantile holds in only %.1f %% of the cases, %.1f %% at most allowing for chance", level.key, 100*covered, 100*(covered+chance))
		}
	}
	return ""
}

func ref[T any](v T) *T { return &v }
