package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/client"
)

// ofOneWorkload are the flags of place that say nothing of many.
var ofOneWorkload = [...]string{
	"file", "id", "app", "class", "queue", "requests", "limits", "devices", "model", "share", "level", "compartment", "zone", "alternatives",
}

func (s *session) placeCommand() *cobra.Command {
	var r client.PlaceRequest
	var many client.PlaceManyRequest
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:   "place",
		Short: "Ask where to run a workload, reserve the place and show why",
		Example: `  auspex place --id web-1 --class service --requests cpu=2,memory=4GiB
  auspex place -f workload.yaml --dry-run --alternatives 3 -o json
  auspex place --members workers.yaml --gang --together rack`,
		Args: cobra.NoArgs,
		RunE: s.withClient(func(ctx context.Context, c client.Client, _ []string) error {
			if many.File != "" {
				for _, name := range ofOneWorkload {
					if cmd.Flags().Changed(name) {
						return misuse.Errorf("place: --%s is about one workload: with --members the file says it of each", name)
					}
				}
				many.In, many.RequestID, many.DryRun = s.stdio.In, r.RequestID, r.DryRun
				return c.PlaceMany(ctx, many)
			}
			if many.Gang || many.Together != "" || many.OrApart {
				return misuse.Error{Reason: "place: --gang, --together and --or-apart need --members"}
			}
			r.In = s.stdio.In
			return c.Place(ctx, r)
		}),
	}
	f := cmd.Flags()
	f.StringVarP(&r.File, "file", "f", "", "workload description in YAML or JSON, - for standard input")
	f.StringVar(&r.RequestID, "request-id", "", "repeat it to repeat the answer (default: a new one)")
	f.StringVar(&r.ID, "id", "", "workload id, unique in the fleet")
	f.StringVar(&r.App, "app", "", "application it belongs to")
	f.StringVar(&r.Class, "class", "", "class; empty asks for classification")
	f.StringVar(&r.Queue, "queue", "", "queue whose share it counts against")
	f.StringVar(&r.Requests, "requests", "", "what it asks for, such as cpu=2,memory=4GiB")
	f.StringVar(&r.Limits, "limits", "", "what it may use at most (default: its requests)")
	f.Uint32Var(&r.Devices, "devices", 0, "accelerator devices on one node")
	f.StringSliceVar(&r.Models, "model", nil, "acceptable accelerator models")
	f.Float64Var(&r.Share, "share", 0, "share of one accelerator device, in (0, 1]")
	f.Uint32Var(&r.Level, "level", 0, "security level the node must have at least")
	f.StringSliceVar(&r.Compartments, "compartment", nil, "compartments the node must hold")
	f.StringSliceVar(&r.Zones, "zone", nil, "zones it must run in")
	f.Uint32Var(&r.Alternatives, "alternatives", 2, "how many other nodes to show")
	f.StringVar(&many.File, "members", "", `file of many workloads, a list named "members", each placed for itself; - for standard input`)
	f.BoolVar(&many.Gang, "gang", false, "place all members or none")
	f.StringVar(&many.Together, "together", "", "part of the fleet that must hold the gang: node, rack, zone, region or provider")
	f.BoolVar(&many.OrApart, "or-apart", false, "spread the gang where no such part has room for it")
	f.BoolVar(&r.DryRun, "dry-run", false, "decide and explain, but reserve nothing")
	return cmd
}

func (s *session) confirmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm DECISION",
		Short: "Tell that a reserved workload has started",
		Args:  cobra.ExactArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			return c.Confirm(ctx, args[0])
		}),
	}
}

func (s *session) releaseCommand() *cobra.Command {
	var r client.ReleaseRequest
	cmd := &cobra.Command{
		Use:   "release {DECISION | --workload ID}",
		Short: "Give back what a reservation or placement holds",
		Args:  cobra.MaximumNArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			if len(args) == 1 {
				r.Decision = args[0]
			}
			if (r.Decision == "") == (r.Workload == "") {
				return misuse.Error{Reason: "release: give either a decision or --workload"}
			}
			return c.Release(ctx, r)
		}),
	}
	cmd.Flags().StringVar(&r.Workload, "workload", "", "release by workload id")
	return cmd
}
