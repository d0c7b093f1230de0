package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app/compare"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/simulation"
)

func (s *session) simulateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Replay traces through the placement engine in virtual time",
		Args:  cobra.NoArgs,
		RunE:  helpOnly,
	}
	cmd.AddCommand(s.simulatePackCommand())
	return cmd
}

func (s *session) simulatePackCommand() *cobra.Command {
	var r compare.PackingRequest
	var seeds int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "pack --nodes FORMAT:PATH --pods FORMAT:PATH",
		Short: "Compare how much of a fleet packing policies fill",
		Long: `Compare how much of a fleet packing policies fill.

Pods arrive in an order drawn by the seed, then again by chance, until they have
asked for a multiple of the fleet's devices (of its cores or memory where there are
none); what does not fit has failed. With --departures they come and go at the
times of the trace, as many as bring the busiest moment to that multiple.`,
		Example: `  auspex simulate pack --nodes openb:openb_node_list_gpu_node.csv --pods openb:openb_pod_list_default.csv
  auspex simulate pack --nodes openb:nodes.csv --pods openb:pods.csv --arrive 1.1 --policy auspex,fgd -o json --plot plots`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case r.Nodes == "":
				return misuse.Error{Reason: "simulate pack: no nodes (give --nodes FORMAT:PATH)"}
			case r.Pods == "":
				return misuse.Error{Reason: "simulate pack: no pods (give --pods FORMAT:PATH)"}
			case seeds < 1 || seeds > 10_000:
				return misuse.Error{Reason: "simulate pack: --seeds is not between 1 and 10000"}
			}
			for i := range seeds {
				r.Seeds = append(r.Seeds, seed+uint64(i))
			}
			return compare.Packing(cmd.Context(), s.stdio, r, s.format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Nodes, "nodes", "", "the fleet, as FORMAT:PATH")
	flags.StringVar(&r.Pods, "pods", "", "what arrives, as FORMAT:PATH")
	flags.Float64Var(&r.Arrive, "arrive", 1.3, "how much arrives, as a multiple of the fleet")
	flags.BoolVar(&r.Departures, "departures", false, "pods come and go at the times of the trace")
	flags.IntVar(&seeds, "seeds", 10, "how many replays, each with a seed of its own")
	flags.Uint64Var(&seed, "first-seed", 42, "the first of the seeds")
	flags.StringSliceVar(&r.Policies, "policy", []string{"auspex", "fgd", "bestfit"}, "policies to compare: "+strings.Join(simulation.Policies(), ", "))
	flags.StringVar(&r.Plot, "plot", "", "folder to write plots to")
	return cmd
}
