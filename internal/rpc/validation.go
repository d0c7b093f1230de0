package rpc

import (
	"context"
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// maxViolations bounds the answer to a thoroughly bad request.
const maxViolations = 20

// plainText is the pattern the .proto files give to texts without control, format
// and line separating characters.
const plainText = `^[^\p{C}\p{Zl}\p{Zp}]*$`

// newChecker returns the check of requests against the rules in their .proto
// files. Messages of other APIs pass.
func newChecker() (func(proto.Message) error, error) {
	validate, err := newValidator()
	if err != nil {
		return nil, err
	}
	return func(m proto.Message) error {
		if plain(m) {
			return nil
		}
		return validate(m)
	}, nil
}

// newValidator returns the check in full, compiled beforehand so that no call pays
// for it.
func newValidator() (func(proto.Message) error, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(
		&auspexv1.PlaceRequest{}, &auspexv1.PlaceGangRequest{}, &auspexv1.PlaceBatchRequest{}, &auspexv1.PlaceStreamRequest{},
		&auspexv1.ConfirmRequest{}, &auspexv1.ReleaseRequest{}, &auspexv1.ConfirmBatchRequest{}, &auspexv1.ReleaseBatchRequest{},
		&auspexv1.ExplainRequest{},
		&auspexv1.RegisterNodeRequest{}, &auspexv1.HeartbeatRequest{}, &auspexv1.ReportUsageRequest{},
		&auspexv1.ListNodesRequest{}, &auspexv1.DrainRequest{}, &auspexv1.RemoveNodeRequest{},
		&auspexv1.PredictRequest{}, &auspexv1.ListSharesRequest{},
	), protovalidate.WithDisableLazy())
	if err != nil {
		return nil, fmt.Errorf("compile validation rules: %w", err)
	}
	return func(m proto.Message) error {
		if m.ProtoReflect().Descriptor().ParentFile().Package() != "auspex.v1" {
			return nil
		}
		err := validator.Validate(m)
		var invalid *protovalidate.ValidationError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &invalid):
			return violationStatus(invalid).Err()
		}
		return newStatus(codes.Internal, "VALIDATION", "validate %s: %v", m.ProtoReflect().Descriptor().Name(), err).Err()
	}, nil
}

// validation refuses unary requests that break a rule; streams are checked
// message by message as they come.
func validation(check func(proto.Message) error) step {
	return func(ctx context.Context, c *call, next func(context.Context) error) error {
		if c.request != nil {
			if err := check(c.request); err != nil {
				return err
			}
		}
		return next(ctx)
	}
}

func violationStatus(invalid *protovalidate.ValidationError) failure {
	var fields []*errdetails.BadRequest_FieldViolation
	for _, v := range invalid.Violations[:min(len(invalid.Violations), maxViolations)] {
		description := v.Proto.GetMessage()
		switch {
		case v.Proto.GetRuleId() == "string.pattern" && v.RuleValue.IsValid() && v.RuleValue.String() == plainText:
			description = "must not hold control characters"
		case description == "":
			description = v.Proto.GetRuleId()
		}
		fields = append(fields, &errdetails.BadRequest_FieldViolation{
			Field:       protovalidate.FieldPathString(v.Proto.GetField()),
			Description: description,
			Reason:      v.Proto.GetRuleId(),
		})
	}
	return badRequest(fields...)
}
