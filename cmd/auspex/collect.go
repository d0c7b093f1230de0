package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) collectCommand() *cobra.Command {
	var r app.CollectRequest
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Collect usage from the configured sources, or play a trace, into the history store",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.Collect(cmd.Context(), s.stdio, s.configPath, r, s.format)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Trace, "trace", "", "play this trace (FORMAT:PATH) instead, then stop")
	f.Float64Var(&r.Speed, "speed", 0, "seconds of the trace that pass in a second (default: as fast as possible)")
	f.BoolVar(&r.EndNow, "end-now", false, "shift the trace so that it ends now")
	return cmd
}
