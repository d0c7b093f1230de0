package client

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/resource"
)

// Shares prints who has how much of the fleet.
func (c Client) Shares(ctx context.Context) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewShareServiceClient(conn).ListShares(ctx, &auspexv1.ListSharesRequest{})
		if err != nil {
			return err
		}
		return c.print(resp, shareGrid(resp))
	})
}

func shareGrid(resp *auspexv1.ListSharesResponse) *output.Grid {
	g := &output.Grid{Header: []string{"QUEUE", "PARENT", "WEIGHT", "WORKLOADS", "DOMINANT", "SHARE", "SHARE/WEIGHT", "USED", "REVOCABLE", "GUARANTEE", "LIMIT"}}
	for _, q := range resp.Queues {
		g.Add(q.Queue, output.OrDash(q.Parent), q.Weight, q.Workloads, output.OrDash(q.DominantResource),
			fmt.Sprintf("%.1f%%", 100*q.DominantShare), fmt.Sprintf("%.4f", q.WeightedShare),
			formatResources(q.Used), formatResources(q.Revocable), formatResources(q.Guarantee), formatResources(q.Limit))
	}
	return g
}

func formatResources(r *auspexv1.Resources) string {
	var v resource.Vector
	for n, x := range r.GetAmounts() {
		v = v.With(resource.Name(n), x)
	}
	return output.OrDash(v.String())
}
