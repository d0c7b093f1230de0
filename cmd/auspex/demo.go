package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) demoCommand() *cobra.Command {
	var r app.DemoRequest
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole loop once on a synthetic fleet, or a trace, and show what happens",
		Long: `Collects three weeks of usage of a synthetic fleet over five sites and the live usage of
this machine, learns from it, serves, places a stream of workloads over gRPC, and prints
what was learned, what was placed and why. With --trace it does the same on a real trace.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.Demo(cmd.Context(), s.stdio, r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Trace, "trace", "synthetic:1", "the trace to play, as FORMAT:PATH")
	f.StringVar(&r.DataDir, "data-dir", "", "keep what is collected and learned here (default: a temporary folder)")
	f.BoolVar(&r.Serve, "serve", false, "stay up afterwards")
	return cmd
}
