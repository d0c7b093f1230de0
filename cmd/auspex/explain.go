package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/client"
)

func (s *session) explainCommand() *cobra.Command {
	var node string
	cmd := &cobra.Command{
		Use:   "explain DECISION",
		Short: "Show why a past decision came out as it did",
		Args:  cobra.ExactArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			return c.Explain(ctx, args[0], node)
		}),
	}
	cmd.Flags().StringVar(&node, "node", "", "also answer why it did not go to this node")
	return cmd
}
