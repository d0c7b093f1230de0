package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/client"
)

func (s *session) predictCommand() *cobra.Command {
	var r client.PredictRequest
	cmd := &cobra.Command{
		Use:   "predict [WORKLOAD]",
		Short: "Show what a workload, a node, or a description will use",
		Args:  cobra.MaximumNArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			if len(args) == 1 {
				r.Workload = args[0]
			}
			r.In = s.stdio.In
			return c.Predict(ctx, r)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&r.Node, "node", "", "predict the sum of what runs on this node")
	f.StringVarP(&r.File, "file", "f", "", "predict for a workload described in this file, - for standard input")
	f.Float64Var(&r.Risk, "risk", 0, "for a node: how often the peak may be passed (default 0.01)")
	return cmd
}
