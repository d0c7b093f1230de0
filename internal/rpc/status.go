package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/workload"
)

// domain names this API in ErrorInfo.
const domain = "auspex"

// failure is a gRPC status in the making. Every one carries an ErrorInfo whose
// reason is stable, for programs; its message is for people.
type failure struct {
	code    codes.Code
	message string
	details []protoadapt.MessageV1
}

func newStatus(code codes.Code, reason, format string, args ...any) failure {
	return failure{code, fmt.Sprintf(format, args...), []protoadapt.MessageV1{
		protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: reason, Domain: domain}),
	}}
}

// retry says when it is worth asking again.
func (f failure) retry(after time.Duration) failure {
	return f.with(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
}

func (f failure) with(detail protoadapt.MessageV2) failure {
	f.details = append(f.details, protoadapt.MessageV1Of(detail))
	return f
}

func (f failure) Err() error {
	s := status.New(f.code, f.message)
	if detailed, err := s.WithDetails(f.details...); err == nil {
		s = detailed
	}
	return s.Err()
}

// badRequest is INVALID_ARGUMENT with the fields at fault and the rules they
// break; its message repeats the first.
func badRequest(fields ...*errdetails.BadRequest_FieldViolation) failure {
	message := "invalid request"
	if len(fields) > 0 {
		message = fmt.Sprintf("%s: %s", fields[0].Field, fields[0].Description)
		if fields[0].Field == "" {
			message = fields[0].Description
		}
	}
	if len(fields) > 1 {
		message = fmt.Sprintf("%s (and %d more)", message, len(fields)-1)
	}
	return newStatus(codes.InvalidArgument, "INVALID_REQUEST", "%s", message).with(&errdetails.BadRequest{FieldViolations: fields})
}

// badField is badRequest for one field.
func badField(field, rule string, err error) error {
	return badRequest(&errdetails.BadRequest_FieldViolation{Field: field, Description: err.Error(), Reason: rule}).Err()
}

// retryAfterConflict is long enough for a burst of commits to pass.
const retryAfterConflict = 10 * time.Millisecond

// retryAfterFault is for what an operator must put right.
const retryAfterFault = 5 * time.Second

// invalid is badField for the part of the workload at fault where that is known.
func invalid(field string, err error) error {
	rule := field + ".invalid"
	if part := new(workload.FieldError); errors.As(err, &part) {
		field, rule, err = field+"."+part.Field, "workload.invalid", part.Err
	}
	return badField(field, rule, err)
}

// placementStatus turns an error of package ledger into a status. field is
// the part of the request that ErrInvalid is about.
func placementStatus(err error, field string) error {
	if err == nil {
		return nil
	}
	for _, m := range []struct {
		is     error
		code   codes.Code
		reason string
	}{
		{ledger.ErrRequestReused, codes.AlreadyExists, "REQUEST_ID_REUSED"},
		{ledger.ErrAlreadyPlaced, codes.AlreadyExists, "WORKLOAD_ALREADY_PLACED"},
		{ledger.ErrUnknownDecision, codes.NotFound, "UNKNOWN_DECISION"},
		{ledger.ErrNotReserved, codes.FailedPrecondition, "NOT_RESERVED"},
		{ledger.ErrUnknownNode, codes.NotFound, "UNKNOWN_NODE"},
		{ledger.ErrNodeInUse, codes.FailedPrecondition, "NODE_IN_USE"},
	} {
		if errors.Is(err, m.is) {
			return newStatus(m.code, m.reason, "%v", err).Err()
		}
	}
	switch {
	case errors.Is(err, ledger.ErrInvalid):
		return invalid(field, err)
	case errors.Is(err, ledger.ErrJournal):
		return newStatus(codes.Unavailable, "NOT_DURABLE", "%v", err).retry(retryAfterFault).Err()
	case errors.Is(err, ledger.ErrConflict):
		return newStatus(codes.Aborted, "CONFLICT", "%v", err).retry(retryAfterConflict).Err()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return status.FromContextError(err).Err()
	}
	return newStatus(codes.Internal, "INTERNAL", "%v", err).Err()
}
