package rpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/auspex-project/auspex/placement"
)

func TestPlacementStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{nil, codes.OK, ""},
		{placement.ErrInvalid, codes.InvalidArgument, "INVALID_REQUEST"},
		{placement.ErrRequestReused, codes.AlreadyExists, "REQUEST_ID_REUSED"},
		{placement.ErrAlreadyPlaced, codes.AlreadyExists, "WORKLOAD_ALREADY_PLACED"},
		{placement.ErrUnknownDecision, codes.NotFound, "UNKNOWN_DECISION"},
		{placement.ErrNotReserved, codes.FailedPrecondition, "NOT_RESERVED"},
		{placement.ErrUnknownNode, codes.NotFound, "UNKNOWN_NODE"},
		{placement.ErrNodeInUse, codes.FailedPrecondition, "NODE_IN_USE"},
		{placement.ErrConflict, codes.Aborted, "CONFLICT"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, ""},
		{context.Canceled, codes.Canceled, ""},
		{fmt.Errorf("%w: no space left on device", placement.ErrJournal), codes.Unavailable, "NOT_DURABLE"},
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
