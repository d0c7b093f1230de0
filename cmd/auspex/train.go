package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) trainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "train",
		Short: "Learn from the history now and report what was promoted and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.Train(cmd.Context(), s.stdio, s.configPath, s.format)
		},
	}
}
