package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/client"
)

func (s *session) sharesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "shares",
		Short: "Show the queues and their dominant shares",
		Args:  cobra.NoArgs,
		RunE: s.withClient(func(ctx context.Context, c client.Client, _ []string) error {
			return c.Shares(ctx)
		}),
	}
}
