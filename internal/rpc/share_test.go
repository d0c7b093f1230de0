package rpc

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/auspex-project/auspex/allocator"
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

type fixedShares struct {
	*scripted
	shares   []allocator.Share
	capacity resource.Vector
}

func (f fixedShares) Shares() ([]allocator.Share, resource.Vector) { return f.shares, f.capacity }

func TestListShares(t *testing.T) {
	tree, err := allocator.NewTree([]allocator.Queue{
		{Name: "org", Weight: 2, Guarantee: resource.Of(4, 8), Limit: resource.Of(8, 16)},
		{Name: "team", Parent: "org"},
	})
	if err != nil {
		t.Fatal(err)
	}
	used := tree.NewUsage()
	used.Add(allocator.Demand{Queue: "team", Tier: workload.Guaranteed, Amounts: resource.Of(1, 4)})
	used.Add(allocator.Demand{Queue: "team", Tier: workload.Revocable, Amounts: resource.Of(3, 1)})
	capacity := resource.Of(10, 100)
	o := (&scripted{}).options()
	o.Shares = fixedShares{shares: tree.Shares(used, capacity), capacity: capacity}
	got, err := auspexv1.NewShareServiceClient(start(t, o)).ListShares(t.Context(), &auspexv1.ListSharesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	amounts := func(cpu, memory float64) *auspexv1.Resources {
		return &auspexv1.Resources{Amounts: map[string]float64{"cpu": cpu, "memory": memory}}
	}
	want := &auspexv1.ListSharesResponse{
		Capacity: amounts(10, 100),
		Queues: []*auspexv1.QueueShare{
			{Queue: "default", Weight: 1},
			{
				Queue: "org", Weight: 2, Guarantee: amounts(4, 8), Limit: amounts(8, 16), Used: amounts(4, 5), Revocable: amounts(3, 1),
				DominantResource: "cpu", DominantShare: .4, WeightedShare: .2, Workloads: 2,
			},
			{
				Queue: "team", Parent: "org", Weight: 1, Used: amounts(4, 5), Revocable: amounts(3, 1),
				DominantResource: "cpu", DominantShare: .4, WeightedShare: .4, Workloads: 2,
			},
		},
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
