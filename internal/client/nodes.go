package client

import (
	"context"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/resource"
)

// listPage is how many nodes one call asks for.
const listPage = 1000

// Nodes prints the fleet.
func (c Client) Nodes(ctx context.Context) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		all, err := AllNodes(ctx, auspexv1.NewFleetServiceClient(conn))
		if err != nil {
			return err
		}
		return c.print(&auspexv1.ListNodesResponse{Nodes: all}, nodeGrid(all))
	})
}

// AllNodes returns the nodes of all pages.
func AllNodes(ctx context.Context, client auspexv1.FleetServiceClient) ([]*auspexv1.NodeStatus, error) {
	var all []*auspexv1.NodeStatus
	for token := ""; ; {
		page, err := client.ListNodes(ctx, &auspexv1.ListNodesRequest{PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Nodes...)
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}

// RegisterNode adds the node described in a file to the fleet.
func (c Client) RegisterNode(ctx context.Context, file string, in io.Reader) error {
	n := &auspexv1.Node{}
	if err := readMessage(file, in, n); err != nil {
		return err
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewFleetServiceClient(conn).RegisterNode(ctx, &auspexv1.RegisterNodeRequest{Node: n})
		if err != nil {
			return err
		}
		return c.print(resp, output.Text(fmt.Sprintf("%s registered; %s\n", n.Name, expected("a heartbeat is expected every", resp.HeartbeatInterval))))
	})
}

// expected says when the next heartbeat is, "no heartbeat is expected" where nodes
// need not send any.
func expected(when string, interval *durationpb.Duration) string {
	if interval.AsDuration() <= 0 {
		return "no heartbeat is expected"
	}
	return fmt.Sprintf("%s %v", when, interval.AsDuration())
}

// Heartbeat says for a node without an agent that it lives.
func (c Client) Heartbeat(ctx context.Context, node string) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewFleetServiceClient(conn).Heartbeat(ctx, &auspexv1.HeartbeatRequest{Node: node})
		if err != nil {
			return err
		}
		return c.print(resp, output.Text(fmt.Sprintf("%s lives; %s\n", node, expected("the next heartbeat is expected within", resp.HeartbeatInterval))))
	})
}

// Drain stops, or with undo resumes, placing new work on a node.
func (c Client) Drain(ctx context.Context, node string, undo bool) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewFleetServiceClient(conn).Drain(ctx, &auspexv1.DrainRequest{Node: node, Undo: undo})
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s gets no new work; %d workloads still on it\n", node, resp.Workloads)
		if undo {
			text = fmt.Sprintf("%s takes work again; %d workloads on it\n", node, resp.Workloads)
		}
		return c.print(resp, output.Text(text))
	})
}

// RemoveNode takes a node out of the fleet.
func (c Client) RemoveNode(ctx context.Context, node string, force bool) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewFleetServiceClient(conn).RemoveNode(ctx, &auspexv1.RemoveNodeRequest{Node: node, Force: force})
		if err != nil {
			return err
		}
		return c.print(resp, output.Text(node+" removed\n"))
	})
}

func nodeGrid(nodes []*auspexv1.NodeStatus) *output.Grid {
	g := &output.Grid{Header: []string{
		"NODE", "STATE", "SITE", "RACK", "LEVEL", "DEVICES", "WORKLOADS",
		"CPU REQUESTED", "CPU PEAK", "CPU", "MEMORY REQUESTED", "MEMORY PEAK", "MEMORY", "WATTS",
	}}
	for _, s := range nodes {
		n := s.Node
		row := []any{n.Name, s.State, output.OrDash(strings.Trim(n.Provider+"/"+n.Zone, "/")), output.OrDash(n.Rack), n.SecurityLevel, deviceSummary(n.Devices), s.Workloads}
		for _, name := range []resource.Name{resource.CPU, resource.Memory} {
			for _, from := range []*auspexv1.Resources{s.Requested, s.PredictedPeak, n.Capacity} {
				row = append(row, resource.FormatAmount(name, from.GetAmounts()[string(name)]))
			}
		}
		g.Add(append(row, fmt.Sprintf("%.0f", s.PredictedWatts))...)
	}
	return g
}

// deviceSummary counts devices by model: "4xA100".
func deviceSummary(devices []*auspexv1.Device) string {
	var parts []string
	for i := 0; i < len(devices); {
		j := i
		for j < len(devices) && devices[j].Model == devices[i].Model {
			j++
		}
		parts = append(parts, fmt.Sprintf("%dx%s", j-i, devices[i].Model))
		i = j
	}
	return output.OrDash(strings.Join(parts, "+"))
}
