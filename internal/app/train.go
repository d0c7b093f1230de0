package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/app/progress"
	"github.com/auspex-project/auspex/internal/config"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/training"
	"github.com/auspex-project/auspex/training/page"
)

// Train spends one night of learning now and prints its report.
func Train(ctx context.Context, stdio IO, configPath string, format output.Format) (err error) {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	history, err := openHistory(ctx, c.Store)
	if err != nil {
		return err
	}
	defer closing(&err, "history store", history.Close)
	models, err := registry.Open(c.Models.Dir)
	if err != nil {
		return err
	}
	o := trainingOptions(c)
	o.OnProgress = phases(stdio.Err)
	report, err := training.Run(ctx, history, models, o)
	if err != nil {
		return err
	}
	path, unwritten := saveReport(c, &report)
	if err := output.Write(stdio.Out, format, report, reportTable{&report}); err != nil {
		return err
	}
	if unwritten != nil { // what was learned serves all the same
		return unwritten
	}
	fmt.Fprintf(stdio.Err, "report written to %s\n", path)
	return nil
}

func trainingOptions(c *config.Config) training.Options {
	return training.Options{Grid: c.Grid(), Window: c.Training.History, Seed: c.Training.Seed, Keep: c.Training.Keep, AtOnce: !c.Training.Shadow.Enabled}
}

// phases shows each phase of a night as a progress of its own.
func phases(w io.Writer) func(training.Progress) {
	show := progress.Phases(w)
	return func(p training.Progress) { show(p.Phase, p.Done, p.Total) }
}

// saveReport writes the report as a page with pictures under the data folder.
func saveReport(c *config.Config, r *training.Report) (path string, err error) {
	dir := filepath.Join(c.DataDir, "reports")
	page.Prune(r, dir, c.Training.Keep)
	return page.Write(r, dir)
}

// reportTable shows a report to people.
type reportTable struct{ *training.Report }

// WriteTable implements output.Tabler.
func (r reportTable) WriteTable(w io.Writer) error {
	if r.Skipped != "" {
		_, err := fmt.Fprintf(w, "nothing was learned: %s\n", r.Skipped)
		return err
	}
	fmt.Fprintf(w, "learned from %d samples of %d workloads in %.1f s (%s to %s, judged from %s on)\n",
		r.Samples, r.Workloads, r.Seconds, r.From.Format(time.DateOnly), r.To.Format(time.DateOnly), r.TestFrom.Format(time.DateOnly))
	if r.Resumed {
		fmt.Fprintln(w, "an interrupted night was gone on with")
	}
	for _, warning := range append(slices.Clone(r.Warnings), r.Gaps...) {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	if text := r.Pruned.String(); text != "" {
		fmt.Fprintf(w, "pruned: %s\n", text)
	}
	for _, t := range page.Tables(r.Report) {
		if err := output.WriteBlocks(w, output.Block{Title: t.Title, Grid: &output.Grid{Header: t.Header, Rows: t.Rows}}); err != nil {
			return err
		}
	}
	return nil
}

// trainNightly spends a night of learning whenever the schedule says so, until
// ctx ends. A night that fails is logged; what was in service stays.
func (s *stack) trainNightly(ctx context.Context) error {
	if s.config.Training.Schedule == "" {
		return nil
	}
	schedule, err := cron.ParseStandard(s.config.Training.Schedule)
	if err != nil {
		return fmt.Errorf("training.schedule: %w", err)
	}
	for pause(ctx, time.Until(schedule.Next(time.Now()))) {
		switch err := s.train(ctx); {
		case errors.Is(err, registry.ErrHeld):
			s.log.Warn("training left to another", "error", err)
		case err != nil && !errors.Is(err, context.Canceled):
			s.log.Error("training failed, what was in service stays", "error", err)
		}
	}
	return nil
}

func (s *stack) train(ctx context.Context) error {
	o := trainingOptions(s.config)
	o.Workers = backgroundWorkers()
	s.log.Info("training begins")
	report, err := training.Run(ctx, s.history, s.registry, o)
	if err != nil {
		return err
	}
	path, err := saveReport(s.config, &report)
	if err != nil {
		s.log.Error("the report of the night is lost, what was learned serves", "error", err)
	}
	if report.Skipped != "" {
		s.log.Warn("nothing was learned", "why", report.Skipped)
		return nil
	}
	for _, warning := range append(slices.Clone(report.Warnings), report.Gaps...) {
		s.log.Warn("training", "warning", warning)
	}
	if text := report.Pruned.String(); text != "" {
		s.log.Info("pruned", "removed", text)
	}
	for _, t := range report.Targets {
		level := slog.LevelInfo
		if t.Verdict == training.FellBack {
			level = slog.LevelWarn
		}
		s.log.Log(ctx, level, "trained", "class", t.Class, "resource", t.Resource, "verdict", t.Verdict, "why", t.Why)
	}
	s.log.Info("training ended", "seconds", report.Seconds, "workloads", report.Workloads, "report", path)
	return nil
}
