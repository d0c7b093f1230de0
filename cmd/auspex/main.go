// Command auspex predicts what workloads will use and advises schedulers where
// to run them. Each subcommand has a file of its own here; what it does is in
// package app.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/auspex-project/auspex/internal/app"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/client"
)

// Exit codes, the same for every subcommand.
const (
	exitDone   = 0
	exitFailed = 1
	exitMisuse = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process, whatever it does
	code := execute(ctx, os.Args[1:], app.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, stdio app.IO) int {
	s := &session{stdio: stdio, format: output.Table}
	root := s.root()
	root.SetArgs(args)
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitDone
	case !s.started || errors.As(err, new(misuse.Error)):
		fmt.Fprintf(stdio.Err, "auspex: %v\nusage: %s (more by '%s --help')\n", err, cmd.UseLine(), cmd.CommandPath())
		return exitMisuse
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stdio.Err, "auspex: interrupted")
		return exitFailed
	}
	fmt.Fprintf(stdio.Err, "auspex: %v\n", err)
	return exitFailed
}

// session is what the flags common to all subcommands say.
type session struct {
	stdio      app.IO
	format     output.Format
	configPath string
	server     string
	started    bool // the arguments were understood and the work began
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "auspex",
		Short:         "Predicts what workloads will use and advises schedulers where to run them",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          helpOnly,
		PersistentPreRun: func(*cobra.Command, []string) {
			s.started = true
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.configPath, "config", "", "configuration file (default ./auspex.yaml if present, else built-in defaults)")
	flags.VarP(&s.format, "output", "o", "how to print results")
	flags.StringVar(&s.server, "server", "", "gRPC address to call (default: server.grpc_address of the configuration)")
	root.AddCommand(
		s.serveCommand(), s.demoCommand(),
		s.collectCommand(), s.importCommand(), s.trainCommand(), s.backtestCommand(), s.simulateCommand(),
		s.placeCommand(), s.confirmCommand(), s.releaseCommand(), s.explainCommand(),
		s.predictCommand(), s.nodesCommand(), s.sharesCommand(), s.modelsCommand(),
		s.configCommand(), s.doctorCommand(), s.versionCommand(),
	)
	completeShells(root)
	return root
}

// completeShells adds cobra's completion command, which takes an unknown shell for
// a wish to read its help, and refuses that.
func completeShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.RunE = helpOnly
		}
	}
}

// client returns the settings of a subcommand that calls a running server.
func (s *session) client() (client.Client, error) {
	address := s.server
	if address == "" {
		cfg, err := app.LoadConfig(s.configPath)
		if err != nil {
			return client.Client{}, err
		}
		address = cfg.Server.GRPCAddress
	}
	return client.Client{Address: address, Out: s.stdio.Out, Format: s.format}, nil
}
