package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// overPipes sends each placement by a call of its own without grpc-go: what is due at
// once is written at once, and answers are dealt with where they are read.
func (l *loop) overPipes() (send func(group), flush func()) {
	var body []byte
	send = func(g group) {
		body = l.encode(body[:0], g.first)
		l.calls.Add(1)
		l.clients.pipe(g.first).call(auspexv1.PlacementService_Place_FullMethodName, body, func(message []byte, code codes.Code) {
			defer l.calls.Done()
			defer l.inFlight.Add(-1)
			var p auspexv1.PlaceResponse
			if code == codes.OK && proto.Unmarshal(message, &p) != nil {
				code = codes.Internal
			}
			if code != codes.OK {
				g.places.fail(code.String(), 1)
				return
			}
			l.answered(g, &p)
		})
	}
	flush = func() {
		for _, p := range l.clients.pipes {
			p.flush() // what goes wrong ends its calls
		}
	}
	return send, flush
}

// encode appends the n-th request.
func (l *loop) encode(b []byte, n int) []byte {
	var room [64]byte
	id := append(append(room[:0], l.run...), '-')
	return l.shapes.encode(b, n, strconv.AppendInt(id, int64(n), 10), l.plan.brief, l.plan.dryRun)
}

// connectPipes opens a number of pipes that end with ctx.
func connectPipes(ctx context.Context, server string, n int, timeout time.Duration) (pipes []*pipe, err error) {
	for range n {
		p, err := dialPipe(ctx, server, timeout)
		if err != nil {
			for _, p := range pipes {
				p.close()
			}
			return nil, fmt.Errorf("connect to %s: %w", server, err)
		}
		context.AfterFunc(ctx, p.close)
		pipes = append(pipes, p)
	}
	return pipes, nil
}
