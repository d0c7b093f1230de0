package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
	"github.com/auspex-project/auspex/internal/app/misuse"
)

func (s *session) importCommand() *cobra.Command {
	var r app.ImportRequest
	cmd := &cobra.Command{
		Use:   "import --trace FORMAT:PATH",
		Short: "Copy a recorded trace of usage into the history store",
		Example: `  auspex import --trace bitbrains:2013-8.csv.gz
  auspex import --trace csv:usage.csv
  auspex import --trace synthetic:1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.Trace == "" {
				return misuse.Error{Reason: "import: no trace (give --trace FORMAT:PATH)"}
			}
			return app.Import(cmd.Context(), s.stdio, s.configPath, r, s.format)
		},
	}
	cmd.Flags().StringVar(&r.Trace, "trace", "", "the trace, as FORMAT:PATH")
	cmd.Flags().BoolVar(&r.EndNow, "end-now", false, "shift the trace so that it ends now, or as it was shifted when it was imported before")
	return cmd
}
