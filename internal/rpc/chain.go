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
}

// step is one concern of the chain. It calls next at most once, with ctx or one
// derived from it, and returns next's error or one of its own.
type step func(ctx context.Context, c *call, next func(context.Context) error) error

// chain runs steps in order, unary calls and streams alike.
type chain struct {
	steps []step
	check func(proto.Message) error // for each message of a stream
}

func (ch chain) run(ctx context.Context, c *call, i int, last func(context.Context) error) error {
	if i == len(ch.steps) {
		return last(ctx)
	}
	return ch.steps[i](ctx, c, func(ctx context.Context) error { return ch.run(ctx, c, i+1, last) })
}

func newCall(method string, request any) *call {
	c := &call{method: method}
	c.policy, c.listed = policies[method]
	c.request, _ = request.(proto.Message)
	return c
}

func (ch chain) unary(ctx context.Context, request any, rpc *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	var response any
	err := ch.run(ctx, newCall(rpc.FullMethod, request), 0, func(ctx context.Context) (err error) {
		response, err = handle(ctx, request)
		return err
	})
	return response, err
}

func (ch chain) stream(service any, s grpc.ServerStream, rpc *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return ch.run(s.Context(), newCall(rpc.FullMethod, nil), 0, func(ctx context.Context) error {
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
