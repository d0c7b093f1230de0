package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check everything auspex needs and say what to mend",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.Doctor(cmd.Context(), s.stdio, s.configPath, s.format)
		},
	}
}
