package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app/compare"
	"github.com/auspex-project/auspex/internal/app/misuse"
)

func (s *session) backtestClassesCommand() *cobra.Command {
	var r compare.ClassesRequest
	cmd := &cobra.Command{
		Use:   "classes --trace FORMAT:PATH",
		Short: "Judge how well classes of workloads are told ahead",
		Long: `Judge how well classes of workloads are told ahead, on a recorded trace.

Asked are the buckets of Resource Central (Cortez et al., SOSP 2017): of a trace of
arrivals how long each will run ("lifetime"), how large a deployment will grow
("deployment") and which class it is of ("class"); of a trace of usage how busy each
workload will be on the coming day ("cpu_mean", "cpu_p95", "memory_mean", ...). Each
is answered from what was known when it is asked: the request, and what had become
by then of earlier workloads of the same owner, app and shape, or of earlier days.
The last cases are judged; what is learned is learned anew ten times on the way.

An answer is sure from a confidence of .6 on. Beside golearn's nearest neighbours
and boosted trees stand the largest class, the nearest centroid, and "last": what
the owner's last job, or the workload's last day, turned out to be.`,
		Example: `  auspex backtest classes --trace swf:metacentrum-wagap-2013.swf.gz
  auspex backtest classes --trace bitbrains:traces/bitbrains --question cpu_p95 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case r.Trace == "":
				return misuse.Error{Reason: "backtest classes: no trace (give --trace FORMAT:PATH)"}
			case r.Ahead < time.Minute || !(r.Options.TestShare > 0 && r.Options.TestShare < 1):
				return misuse.Error{Reason: "backtest classes: want --ahead of a minute or more and --test-share between 0 and 1"}
			}
			return compare.Classes(cmd.Context(), s.stdio, r, s.format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Trace, "trace", "", "the trace, as FORMAT:PATH")
	flags.StringSliceVar(&r.Questions, "question", nil, "what is asked, by name; default all the trace can answer")
	flags.DurationVar(&r.Ahead, "ahead", 24*time.Hour, "how far ahead utilisation is told")
	flags.Float64Var(&r.Options.TestShare, "test-share", .3, "share of the cases, the last, that is judged")
	flags.Uint64Var(&r.Options.Seed, "seed", 1, "decides all that is drawn")
	return cmd
}
