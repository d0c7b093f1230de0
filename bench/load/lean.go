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

// lean does all that happens while measuring in one goroutine, without grpc-go: what is
// due at once leaves in one write, and answers are looked for whenever the next request
// is waited for.
type lean struct {
	loop     *loop
	pipes    []*pipe
	turn     int // of the pipe for the next calls
	body     []byte
	releases []giveback // by when they are due
	beats    pacer      // heartbeats of all nodes
	beat     int
	checked  time.Time // for calls that the server does not end
}

// giveback is decisions to release.
type giveback struct {
	due  time.Time
	ids  []string
	seen *tally
}

func newLean(ctx context.Context, l *loop) (*lean, error) {
	s := &lean{loop: l, beats: pacer{start: time.Now(), rate: float64(l.plan.nodes) / beatEvery.Seconds()}}
	for range l.plan.connections {
		p, err := dialPipe(ctx, l.plan.server, l.plan.timeout)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("connect to %s: %w", l.plan.server, err)
		}
		s.pipes = append(s.pipes, p)
	}
	return s, nil
}

func (s *lean) close() {
	for _, p := range s.pipes {
		p.close()
	}
}

// place asks for one placement.
func (s *lean) place(g group) {
	s.body = s.loop.encode(s.body[:0], g.first)
	s.call(auspexv1.PlacementService_Place_FullMethodName, s.body, func(message []byte, code codes.Code) {
		s.loop.inFlight.Add(-1)
		var p auspexv1.PlaceResponse
		if code == codes.OK && proto.Unmarshal(message, &p) != nil {
			code = codes.Internal
		}
		if code != codes.OK {
			g.places.fail(code.String(), 1)
			return
		}
		s.loop.answered(g, &p)
	})
}

// call takes the next pipe and waits for room in it.
func (s *lean) call(path string, message []byte, answered func(message []byte, code codes.Code)) {
	p := s.pipes[s.turn%len(s.pipes)]
	for !p.room(len(message)) {
		for _, other := range s.pipes {
			other.poll()
			other.giveUp()
		}
		nap(time.Now().Add(pollEvery))
	}
	p.call(path, message, answered)
}

// poll sends what is due beside placements, writes all that is queued and takes what
// has been answered.
func (s *lean) poll() {
	now := time.Now()
	for ; len(s.releases) > 0 && !s.releases[0].due.After(now); s.releases = s.releases[1:] {
		s.release(s.releases[0])
	}
	for ; s.beats.rate > 0 && !s.beats.due(s.beat).After(now); s.beat++ {
		beat := &auspexv1.HeartbeatRequest{Node: nodeName(s.beat % s.loop.plan.nodes)}
		s.ask(auspexv1.FleetService_Heartbeat_FullMethodName, beat, func(codes.Code) {}) // nodes that fall silent show in answers
	}
	for _, p := range s.pipes {
		p.poll()
		if now.Sub(s.checked) > overdue {
			p.giveUp()
		}
	}
	s.turn++ // what leaves together leaves on one of them
	if now.Sub(s.checked) > overdue {
		s.checked = now
	}
}

func (s *lean) release(g giveback) {
	var request proto.Message = &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{DecisionId: g.ids[0]}}
	path := auspexv1.PlacementService_Release_FullMethodName
	if s.loop.plan.together > 1 {
		request, path = &auspexv1.ReleaseBatchRequest{DecisionIds: g.ids}, auspexv1.PlacementService_ReleaseBatch_FullMethodName
	}
	s.ask(path, request, func(code codes.Code) {
		if code != codes.OK {
			g.seen.fail(code.String(), len(g.ids))
			return
		}
		for range g.ids {
			g.seen.answer(time.Since(g.due), false)
		}
	})
}

// ask makes a call of which the code says enough.
func (s *lean) ask(path string, request proto.Message, answered func(codes.Code)) {
	message, err := proto.Marshal(request)
	if err != nil {
		answered(codes.Internal)
		return
	}
	s.call(path, message, func(_ []byte, code codes.Code) { answered(code) })
}

// drain returns when everything has been answered and given back, or ctx has ended.
func (s *lean) drain(ctx context.Context) {
	for ctx.Err() == nil {
		s.poll()
		open := len(s.releases)
		for _, p := range s.pipes {
			open += len(p.calls)
		}
		if open == 0 {
			return
		}
		nap(time.Now().Add(grain))
	}
}

// encode appends the n-th request.
func (l *loop) encode(b []byte, n int) []byte {
	var room [64]byte
	id := append(append(room[:0], l.run...), '-')
	return l.shapes.encode(b, n, strconv.AppendInt(id, int64(n), 10), l.plan.brief, l.plan.dryRun)
}
