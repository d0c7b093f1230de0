package rpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/auspex-project/auspex/placement/ledger"
	"google.golang.org/grpc/codes"
)

func TestPlacementStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{nil, codes.OK, ""},
		{ledger.ErrInvalid, codes.InvalidArgument, "INVALID_REQUEST"},
		{ledger.ErrRequestReused, codes.AlreadyExists, "REQUEST_ID_REUSED"},
		{ledger.ErrAlreadyPlaced, codes.AlreadyExists, "WORKLOAD_ALREADY_PLACED"},
		{ledger.ErrUnknownDecision, codes.NotFound, "UNKNOWN_DECISION"},
		{ledger.ErrNotReserved, codes.FailedPrecondition, "NOT_RESERVED"},
		{ledger.ErrUnknownNode, codes.NotFound, "UNKNOWN_NODE"},
		{ledger.ErrNodeInUse, codes.FailedPrecondition, "NODE_IN_USE"},
		{ledger.ErrConflict, codes.Aborted, "CONFLICT"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, ""},
		{context.Canceled, codes.Canceled, ""},
		{fmt.Errorf("%w: no space left on device", ledger.ErrJournal), codes.Unavailable, "NOT_DURABLE"},
		{errors.New("anything else"), codes.Internal, "INTERNAL"},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("place r-1: %w", err)
		}
		got := placementStatus(err, "workload")
		wantStatus(t, got, c.code, c.reason)
		if (c.code == codes.Aborted || c.code == codes.Unavailable) != (retryOf(got) > 0) {
			t.Errorf("%v: retry after %v", c.err, retryOf(got))
		}
		if c.code == codes.InvalidArgument {
			wantViolation(t, got, "workload", "workload.invalid")
		}
	}
}
