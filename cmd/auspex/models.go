package main

import (
	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
)

func (s *session) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "models", Short: "List the fitted models and what is in service", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return app.ListModels(s.stdio, s.configPath, s.format) },
	}
	var why string
	promote := &cobra.Command{
		Use: "promote ROLE ID", Short: "Put a model in service", Args: cobra.ExactArgs(2),
		Example: "  auspex models promote learned/service/cpu 01KA0ZJ6Q5T8N6Y8M6T0H7W1V2 --why 'beats the champion on weekends'",
		RunE: func(_ *cobra.Command, args []string) error {
			return app.PromoteModel(s.stdio, s.configPath, args[0], args[1], why, s.format)
		},
	}
	rollback := &cobra.Command{
		Use: "rollback ROLE", Short: "Put back in service what served a role before", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return app.RollbackModel(s.stdio, s.configPath, args[0], why, s.format)
		},
	}
	for _, c := range []*cobra.Command{promote, rollback} {
		c.Flags().StringVar(&why, "why", "by an operator", "reason, kept with the change")
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the fitted models and what is in service", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return app.ListModels(s.stdio, s.configPath, s.format) },
		},
		&cobra.Command{
			Use: "show ID|ROLE", Short: "Show one model or one role: figures, coverage measured in service, challengers, history", Args: cobra.ExactArgs(1),
			Example: "  auspex models show learned/service/cpu",
			RunE: func(_ *cobra.Command, args []string) error {
				return app.ShowModel(s.stdio, s.configPath, args[0], s.format)
			},
		},
		promote, rollback,
	)
	return cmd
}
