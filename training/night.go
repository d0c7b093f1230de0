package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/models/registry"
)

// night is the state of one Run.
type night struct {
	*plan
	registry   *registry.Registry
	checkpoint *checkpoint
	evidence   []*evidence // one per resource
	prior      *models.PriorBuilder
	past       *models.PriorBuilder // of the past that all else is judged after
	classes    *classify.Sampler
	report     *Report
}

// Run spends one night: it learns from h, and changes what r has in service
// where that wins. A history too short to learn from is no error: the report
// says so, and nothing changes. Memory is bounded by the options, not by the
// history. For the same history, options and registry the outcome is the same
// but for ids and times.
//
// A night that is interrupted leaves in service what was.
// The next Run with the same options goes on where it was killed, if that is not
// a day ago. Two nights at once on one registry there are not: the error of the
// second wraps registry.ErrHeld.
func Run(ctx context.Context, h History, r *registry.Registry, o Options) (report Report, err error) {
	report.Started = time.Now().UTC()
	o, err = o.withDefaults()
	if err != nil {
		return report, err
	}
	release, err := r.HoldNight()
	if err != nil {
		return report, fmt.Errorf("train: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := r.Champions(); err != nil { // before minutes of work for nothing
		return report, fmt.Errorf("train: %w", err)
	}
	// 1. What is there, and what to keep of it.
	c, lost := openCheckpoint(r, o)
	p, why, ok, err := newPlan(ctx, h, o, c.until)
	if err != nil {
		return report, fmt.Errorf("train: %w", err)
	}
	report.describe(&p)
	report.recall(r)
	if !ok {
		report.Skipped = why
		report.Seconds = time.Since(report.Started).Seconds()
		return report, nil
	}
	if lost != nil {
		report.Warnings = append(report.Warnings, lost.Error())
	}
	report.Resumed = !c.Until.IsZero()
	if c.Until = p.whole.To; !report.Resumed {
		if err := c.keep(); err != nil {
			return report, fmt.Errorf("train: %w", err)
		}
	}
	n := &night{plan: &p, registry: r, checkpoint: c, prior: models.NewPriorBuilder(p.Grid), past: models.NewPriorBuilder(p.Grid), classes: classify.NewSampler(p.Seed), report: &report}

	if err := n.spend(ctx, h); err != nil {
		return report, fmt.Errorf("train: %w", err)
	}
	report.Seconds = time.Since(report.Started).Seconds()
	return report, nil
}

func (n *night) spend(ctx context.Context, h History) error {
	// 2. Read it, once.
	if err := n.gather(ctx, h); err != nil {
		return err
	}
	// 3. Fit and judge, target by target.
	for _, e := range n.evidence {
		if err := n.learn(ctx, e); err != nil {
			return err
		}
	}
	// 4. What stands behind: priors for those never seen.
	if err := n.savePrior(); err != nil {
		return err
	}
	// 5. What tells the class of workloads that come without one.
	if err := n.learnClasses(ctx); err != nil {
		return err
	}
	// 6. What is to come slot by slot, where that is told better than by earlier days.
	if err := n.learnProfiles(ctx); err != nil {
		return err
	}
	// 7. How forecasts add up: margins for what is to serve.
	if err := n.compose(ctx); err != nil {
		return err
	}
	// 8. Put in service what was decided, all at once.
	if err := n.registry.Apply(n.report.changes()...); err != nil {
		return err
	}
	// 9. Leave nothing behind that nobody needs.
	var err error
	if n.report.Pruned.Artefacts, err = n.registry.Prune(n.Keep, n.checkpoint.artefacts()...); err != nil {
		n.report.Warnings = append(n.report.Warnings, err.Error())
	}
	return n.checkpoint.end()
}

func (n *night) gather(ctx context.Context, h History) error {
	started := time.Now()
	for _, name := range n.Resources {
		n.evidence = append(n.evidence, newEvidence(n.plan, name))
	}
	err := n.read(ctx, h, func(x *extract) {
		for i, e := range n.evidence {
			e.add(x, x.resources[i])
		}
		subject := models.Observed(x.history)
		n.prior.Add(models.ExampleOf(&subject, n.whole.To, n.Grid))
		n.past.Add(x.past)
		n.classes.Add(&subject)
	})
	n.report.Gaps = n.gaps()
	if n.anyMeasured() {
		n.evidence = slices.DeleteFunc(n.evidence, func(e *evidence) bool { return !e.measured() })
	}
	past := n.past.Build()
	for _, e := range n.evidence {
		e.shrink(past)
	}
	n.report.ReadSeconds = time.Since(started).Seconds()
	return err
}

func (n *night) savePrior() error {
	if done := n.checkpoint.Prior; done != nil {
		n.report.Prior = *done
		return nil
	}
	prior := n.prior.Build()
	if prior.Groups() == 0 {
		return nil
	}
	files, err := prior.Encode()
	if err != nil {
		return err
	}
	meta, err := n.registry.Save(registry.Meta{Kind: registry.Prior, From: n.whole.From, To: n.whole.To, Rows: n.workloads}, files)
	if err != nil {
		return err
	}
	why := fmt.Sprintf("%d groups of like workloads, from %d workloads", prior.Groups(), n.workloads)
	n.report.Prior = Shared{meta.ID, why}
	n.checkpoint.Prior = &n.report.Prior
	return n.checkpoint.keep()
}

func (n *night) compose(ctx context.Context) error {
	set, refused := n.set()
	for _, err := range refused {
		n.report.Warnings = append(n.report.Warnings, err.Error())
	}
	var margins models.NodeMargins
	var err error
	cases := 0
	past := n.past.Build()
	for i, e := range n.evidence {
		n.OnProgress(Progress{"judge machines", i, len(n.evidence)})
		c, done := n.composedBefore(e)
		if !done {
			sums, err := n.sums(ctx, e, set, past)
			if err != nil {
				return err
			}
			if c.Report, err = e.reportMachines(ctx, sums[0], past); err != nil {
				return err
			}
			if c.Bands, err = e.calibrate(ctx, sums); err != nil {
				return err
			}
			c.Worst = c.Report.Worst
			n.checkpoint.Machines = append(n.checkpoint.Machines, c)
			if err := n.checkpoint.keep(); err != nil {
				return err
			}
		}
		c.Report.Worst = c.Worst
		n.report.Machines = append(n.report.Machines, c.Report)
		margins.Add(c.Bands)
		cases += c.Report.Cases
	}
	if len(margins.Bands) == 0 {
		return nil
	}
	files, err := models.EncodeMargins(margins)
	if err != nil {
		return err
	}
	meta, err := n.registry.Save(registry.Meta{Kind: registry.Margins, From: n.margins.From, To: n.test.To, Rows: cases}, files)
	if err != nil {
		return err
	}
	why := fmt.Sprintf("%d bands, from %s to %s", len(margins.Bands), n.margins.From.Format(time.DateOnly), n.test.To.Format(time.DateOnly))
	n.report.Margins = Shared{meta.ID, why}
	return nil
}
