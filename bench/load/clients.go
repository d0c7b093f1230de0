package main

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// clients spreads calls over several connections: one would put all its calls
// through a single writer.
type clients struct {
	conns  []*grpc.ClientConn
	places []auspexv1.PlacementServiceClient
	fleets []auspexv1.FleetServiceClient
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

func (c *clients) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}
