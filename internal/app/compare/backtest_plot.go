package compare

import (
	"context"
	"fmt"
	"io"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/plot"
)

const (
	plottedMachines  = 3
	plottedWorkloads = 3
	replayedForPlots = 150 // machines, to calibrate on
)

// plotBacktest draws a report, and forecasts of a few machines and workloads, to
// a folder that is there.
func plotBacktest(ctx context.Context, w io.Writer, dir string, s *backtest.Setting, c backtest.Contestant, r *backtest.Report) error {
	machines, err := s.Bands(ctx, c, spread(s.Machines), plottedMachines)
	if err != nil {
		return err
	}
	workloads, err := s.Bands(ctx, c, spread(s.Random(s.All(), 1, 1, s.Seed)), plottedWorkloads)
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

// spread draws some machines from all over the list, which may be in the order of
// their days.
func spread(machines []*backtest.Machine) []*backtest.Machine {
	var out []*backtest.Machine
	for i := range min(len(machines), replayedForPlots) {
		out = append(out, machines[i*len(machines)/min(len(machines), replayedForPlots)])
	}
	return out
}
