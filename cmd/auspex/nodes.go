package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/client"
)

func (s *session) nodesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the fleet, or change it with a subcommand",
		Args:  cobra.NoArgs,
		RunE: s.withClient(func(ctx context.Context, c client.Client, _ []string) error {
			return c.Nodes(ctx)
		}),
	}
	var file string
	register := &cobra.Command{
		Use: "register -f FILE", Short: "Add a node to the fleet, or replace its description", Args: cobra.NoArgs,
		Long: "Add a node to the fleet, or replace its description.\n\nThe fields are those of auspex.v1.Node in api/auspex/v1/fleet.proto.",
		Example: `  echo '{name: n1, zone: hall-1, capacity: {cpu: 16, memory: 64GiB, gpu: 1}, devices: [{model: T4, memory_bytes: 16e9}]}' |
    auspex nodes register -f -`,
		RunE: s.withClient(func(ctx context.Context, c client.Client, _ []string) error {
			return c.RegisterNode(ctx, file, s.stdio.In)
		}),
	}
	register.Flags().StringVarP(&file, "file", "f", "-", "node description in YAML or JSON, - for standard input")
	var undo bool
	drain := &cobra.Command{
		Use: "drain NODE", Short: "Stop placing new work on a node", Args: cobra.ExactArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			return c.Drain(ctx, args[0], undo)
		}),
	}
	drain.Flags().BoolVar(&undo, "undo", false, "place work on it again")
	var force bool
	remove := &cobra.Command{
		Use: "remove NODE", Short: "Take a node out of the fleet", Args: cobra.ExactArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			return c.RemoveNode(ctx, args[0], force)
		}),
	}
	remove.Flags().BoolVar(&force, "force", false, "even while it holds work")
	heartbeat := &cobra.Command{
		Use: "heartbeat NODE", Short: "Say for a node without an agent that it lives", Args: cobra.ExactArgs(1),
		RunE: s.withClient(func(ctx context.Context, c client.Client, args []string) error {
			return c.Heartbeat(ctx, args[0])
		}),
	}
	list := &cobra.Command{Use: "list", Short: "List the fleet", Args: cobra.NoArgs, RunE: cmd.RunE}
	cmd.AddCommand(list, register, heartbeat, drain, remove)
	return cmd
}

// withClient gives a subcommand the server it calls.
func (s *session) withClient(f func(context.Context, client.Client, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		return f(cmd.Context(), c, args)
	}
}
