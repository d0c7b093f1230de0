package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// clients spreads calls over several connections: one would put all its calls
// through a single writer.
type clients struct {
	conns  []*grpc.ClientConn
	places []auspexv1.PlacementServiceClient
	fleets []auspexv1.FleetServiceClient
	pipes  []*pipe // for what is sent while measuring; none = grpc-go does that too
}

// window is how many bytes of answers a connection may send ahead.
const window = 4 << 20

func connect(server string, connections int) (*clients, error) {
	c := new(clients)
	for range connections {
		conn, err := grpc.NewClient(server, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithStaticStreamWindowSize(window), grpc.WithStaticConnWindowSize(window)) // no pings to find one out
		if err != nil {
			c.close()
			return nil, fmt.Errorf("connect to %s: %w", server, err)
		}
		c.conns = append(c.conns, conn)
		c.places = append(c.places, auspexv1.NewPlacementServiceClient(conn))
		c.fleets = append(c.fleets, auspexv1.NewFleetServiceClient(conn))
	}
	return c, nil
}

func (c *clients) place(i int) auspexv1.PlacementServiceClient { return c.places[i%len(c.places)] }
func (c *clients) fleet(i int) auspexv1.FleetServiceClient     { return c.fleets[i%len(c.fleets)] }

func (c *clients) pipe(i int) *pipe { return c.pipes[i%len(c.pipes)] }

// invoke makes a call by a pipe, where there are pipes, and else by grpc-go.
func (c *clients) invoke(ctx context.Context, i int, method string, request, answer proto.Message) error {
	if len(c.pipes) > 0 {
		return c.pipe(i).invoke(method, request, answer)
	}
	return c.conns[i%len(c.conns)].Invoke(ctx, method, request, answer)
}

func (c *clients) close() {
	for _, p := range c.pipes {
		p.close()
	}
	for _, conn := range c.conns {
		conn.Close()
	}
}
