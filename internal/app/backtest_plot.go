package app

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/plot"
)

const (
	plottedMachines  = 3
	plottedWorkloads = 3
	singleMachines   = 100 // of one workload, to calibrate on
)

// plotBacktest draws a report, and forecasts of a few machines and workloads.
func plotBacktest(ctx context.Context, w io.Writer, dir string, s *backtest.Setting, c backtest.Contestant, r *backtest.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("backtest: plots: %w", err)
	}
	machines, err := s.Bands(ctx, c, s.Machines[:min(len(s.Machines), singleMachines)], plottedMachines)
	if err != nil {
		return err
	}
	singles := s.Random(s.All(), 1, 1, s.Seed)
	workloads, err := s.Bands(ctx, c, singles[:min(len(singles), singleMachines)], plottedWorkloads)
	if err != nil {
		return err
	}
	files, err := plot.Write(dir, r, append(machines, workloads...))
	if err != nil {
		return fmt.Errorf("backtest: %w", err)
	}
	fmt.Fprintf(w, "%d plots written to %s\n", len(files), dir)
	return nil
}
