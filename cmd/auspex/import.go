package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) importCommand() *cobra.Command {
	var trace string
	cmd := &cobra.Command{
		Use:   "import --trace FORMAT:PATH",
		Short: "Copy a recorded trace of usage into the history store",
		Example: `  auspex import --trace bitbrains:2013-8.csv.gz
  auspex import --trace csv:usage.csv
  auspex import --trace synthetic:1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if trace == "" {
				return app.Misuse{Reason: "import: no trace (give --trace FORMAT:PATH)"}
			}
			return app.Import(cmd.Context(), s.stdio, s.configPath, trace, s.format)
		},
	}
	cmd.Flags().StringVar(&trace, "trace", "", "the trace, as FORMAT:PATH")
	return cmd
}
