package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app/compare"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/models/backtest"
)

func (s *session) backtestCommand() *cobra.Command {
	var r compare.BacktestRequest
	cmd := &cobra.Command{
		Use:   "backtest --trace FORMAT:PATH",
		Short: "Compare the model with every baseline on a recorded trace",
		Long: `Compare the model with every baseline on a recorded trace.

Machines are random groups of workloads, or with --group 0 those the trace names.
Every hour of the last days that hold data each predictor says how much the
machine will use at most until the horizon; it is scored raw and behind margins
calibrated anew each day on the weeks before. Columns "@" are savings at matched
violation rates: their scale is chosen on the test days, for all alike. Of a trace
of one day the last third of its hours is tested (--test-days 1).`,
		Example: `  auspex backtest --trace bitbrains:traces/bitbrains --resource cpu --horizon 24h --group 12
  auspex backtest --trace planetlab:traces/planetlab --horizon 6h --group 20 --test-days 2 -o json
  auspex backtest --trace bitbrains:2013-8.csv.gz --resource memory --plot plots`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch p := r.Protocol; {
			case len(r.Traces) == 0:
				return misuse.Error{Reason: "backtest: no trace (give --trace FORMAT:PATH)"}
			case p.Horizon == 0 || p.Replicates == 0 || p.TestDays == 0 || p.Risk == 0 || r.MostPerTrace < 0: // a protocol takes 0 for its default
				return misuse.Error{Reason: "backtest: want --horizon, --replicates, --test-days and --risk above 0, and --workloads of 0 or more"}
			}
			return compare.Backtest(cmd.Context(), s.stdio, r, s.format)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&r.Traces, "trace", nil, "the trace, as FORMAT:PATH; several are parts of one")
	flags.StringVar(&r.Resource, "resource", "cpu", "what is predicted: cpu, memory, gpu, gpu_memory, or what else the trace measures")
	flags.DurationVar(&r.Protocol.Horizon, "horizon", backtest.DefaultHorizon, "how far ahead: whole hours, at most a week")
	flags.IntVar(&r.Protocol.Group, "group", 12, "workloads on a machine; 0 = as the trace has them")
	flags.IntVar(&r.Protocol.Replicates, "replicates", 5, "times the workloads are dealt to machines")
	flags.IntVar(&r.Protocol.TestDays, "test-days", 14, "how many of the last days that hold data are tested on")
	flags.Float64Var(&r.Protocol.Risk, "risk", .01, "violation rate to calibrate for")
	flags.Uint64Var(&r.Protocol.Seed, "seed", 1, "decides all that is drawn")
	flags.IntVar(&r.MostPerTrace, "workloads", 5000, "how many workloads are drawn of a larger trace; 0 = all")
	flags.StringVar(&r.Plot, "plot", "", "folder to write plots to")
	cmd.AddCommand(s.backtestClassesCommand())
	return cmd
}
