package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// call is one RPC on its way through the chain.
type call struct {
	method  string        // "/package.Service/Method"
	policy  policy        // zero when the method has none
	listed  bool          // whether it has one
	request proto.Message // nil for streams, whose messages are checked as they come

	rest []step // the steps to come
	last func(context.Context) error
}

// step is one concern of the chain. It calls next at most once, with ctx or one
// derived from it, and returns next's error or one of its own.
type step func(ctx context.Context, c *call, next func(context.Context) error) error

// chain runs steps in order, unary calls and streams alike.
type chain struct {
	steps []step
	check func(proto.Message) error // for each message of a stream
}

func (ch chain) run(ctx context.Context, c *call, last func(context.Context) error) error {
	c.rest, c.last = ch.steps, last
	var next func(context.Context) error // one for all steps: each is called once
	next = func(ctx context.Context) error {
		if len(c.rest) == 0 {
			return c.last(ctx)
		}
		first := c.rest[0]
		c.rest = c.rest[1:]
		return first(ctx, c, next)
	}
	return next(ctx)
}

func newCall(method string, request any) *call {
	c := &call{method: method}
	c.policy, c.listed = policies[method]
	c.request, _ = request.(proto.Message)
	return c
}

func (ch chain) unary(ctx context.Context, request any, rpc *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	var response any
	err := ch.run(ctx, newCall(rpc.FullMethod, request), func(ctx context.Context) (err error) {
		response, err = handle(ctx, request)
		return err
	})
	return response, err
}

func (ch chain) stream(service any, s grpc.ServerStream, rpc *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return ch.run(s.Context(), newCall(rpc.FullMethod, nil), func(ctx context.Context) error {
		return handle(service, &checkedStream{ServerStream: s, context: func() context.Context { return ctx }, check: ch.check})
	})
}

// checkedStream carries the context the chain has made and checks every message
// received.
type checkedStream struct {
	grpc.ServerStream
	context func() context.Context
	check   func(proto.Message) error
}

func (s *checkedStream) Context() context.Context { return s.context() }

func (s *checkedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if message, ok := m.(proto.Message); ok {
		return s.check(message)
	}
	return nil
}
