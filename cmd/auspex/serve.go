package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Collect usage, retrain nightly and answer schedulers over gRPC",
		Long: `Runs the whole loop in one process until interrupted: collects usage, keeps it in the
history store, retrains on schedule, refreshes forecasts, and answers over gRPC.
Metrics are served over HTTP. The configuration is read again when it changes or on SIGHUP.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.Serve(cmd.Context(), s.stdio, s.configPath)
		},
	}
}
