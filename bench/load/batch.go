package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

func (l *loop) requests(g group) []*auspexv1.PlaceRequest {
	batch := make([]*auspexv1.PlaceRequest, g.n)
	for i := range batch {
		batch[i] = l.request(g.first + i)
	}
	return batch
}

// many asks for a group by one PlaceBatch.
func (l *loop) many(ctx context.Context, g group) {
	ctx, cancel := context.WithTimeout(ctx, l.plan.timeout)
	defer cancel()
	r, err := l.clients.place(g.first/g.n).PlaceBatch(ctx, &auspexv1.PlaceBatchRequest{Requests: l.requests(g)})
	l.answeredAll(g, r.GetResults(), err)
}

func (l *loop) answeredAll(g group, results []*auspexv1.PlaceResult, err error) {
	if err == nil && len(results) != g.n {
		err = fmt.Errorf("%d answers to %d requests", len(results), g.n)
	}
	if err != nil {
		g.places.fail(status.Code(err).String(), g.n)
		return
	}
	for _, r := range results {
		if f := r.GetFailure(); f != nil {
			g.places.fail(codes.Code(f.GetCode()).String(), 1)
			continue
		}
		l.answered(g, r.GetDecision())
	}
}

// overStreams sends groups over streams, each with one under way; a group waits
// for a stream that is free.
func (l *loop) overStreams(ctx context.Context) (send func(group), finish func(), err error) {
	groups := make(chan group, maxInFlight/l.plan.batch+1)
	for i := range l.plan.streams {
		stream, err := l.clients.place(i).PlaceStream(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("open stream %d: %w", i, err)
		}
		l.calls.Go(func() {
			for g := range groups {
				err := stream.Send(&auspexv1.PlaceStreamRequest{Requests: l.requests(g)})
				var r *auspexv1.PlaceStreamResponse
				if err == nil {
					r, err = stream.Recv()
				}
				l.answeredAll(g, r.GetResults(), err)
				l.inFlight.Add(-int64(g.n))
			}
			stream.CloseSend()
		})
	}
	return func(g group) { groups <- g }, func() { close(groups) }, nil
}
