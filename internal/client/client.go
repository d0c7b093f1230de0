package client

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/auspex-project/auspex/internal/app/output"
)

// callTimeout bounds one call of a subcommand.
const callTimeout = 10 * time.Second

// Client holds what the subcommands that call a server have in common.
type Client struct {
	Address string
	Out     io.Writer
	Format  output.Format
}

// call connects, runs f under a deadline, and turns a status into an error that
// says what to do.
func (c Client) call(ctx context.Context, f func(context.Context, *grpc.ClientConn) error) error {
	conn, err := grpc.NewClient(c.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.Address, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.explainStatus(f(ctx, conn))
}

func (c Client) explainStatus(err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	// A server that answers says why, in details; one that is not there has none.
	if s.Code() == codes.Unavailable && (len(s.Details()) == 0 || strings.HasPrefix(s.Message(), "connection error")) {
		return fmt.Errorf("no answer from %s: %s (is 'auspex serve' running there? --server sets the address)", c.Address, s.Message())
	}
	if s.Code() == codes.Unimplemented && len(s.Details()) == 0 {
		return fmt.Errorf("%s: %s (is it 'auspex serve' of this version that answers on %s?)", s.Code(), s.Message(), c.Address)
	}
	var violations []string
	hint := ""
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.FieldViolations {
				violations = append(violations, fmt.Sprintf("%s: %s", v.Field, v.Description))
			}
		case *errdetails.ErrorInfo:
			hint = hints[d.Reason]
		}
	}
	if len(violations) > 0 { // they say what the message says, field by field
		return fmt.Errorf("%s: %s", s.Code(), strings.Join(violations, "; "))
	}
	return fmt.Errorf("%s: %s%s", s.Code(), s.Message(), hint)
}

// hints say what to do about reasons of errors.
var hints = map[string]string{
	"UNKNOWN_DECISION": " (is the id whole? decisions are kept for placement.keep_for)",
	"UNKNOWN_NODE":     " ('auspex nodes' lists the fleet)",
	"NODE_IN_USE":      " (--force removes it all the same)",
}

// print writes v, with table for people.
func (c Client) print(v any, table output.Tabler) error {
	return output.Write(c.Out, c.Format, v, table)
}
