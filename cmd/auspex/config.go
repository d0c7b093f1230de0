package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check or print the configuration", Args: cobra.NoArgs, RunE: helpOnly}
	cmd.AddCommand(
		&cobra.Command{
			Use: "validate [FILE]", Short: "Say whether a configuration would be accepted", Args: cobra.MaximumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				path := s.configPath
				if len(args) == 1 {
					path = args[0]
				}
				return app.ValidateConfig(s.stdio, path, s.format)
			},
		},
		&cobra.Command{
			Use: "show", Short: "Print what is in force, secrets redacted", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return app.ShowConfig(s.stdio, s.configPath, s.format) },
		},
		&cobra.Command{
			Use: "defaults", Short: "Print the built-in defaults, a file to start from", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return app.DefaultConfig(s.stdio, s.format) },
		},
	)
	return cmd
}

// helpOnly is the run of a command that only groups others.
func helpOnly(cmd *cobra.Command, _ []string) error { return cmd.Help() }
