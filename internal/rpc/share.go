package rpc

import (
	"context"

	"github.com/auspex-project/auspex/allocator"
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/resource"
)

// Shares knows what every queue holds, parents before children, and the
// capacity it is a share of. *ledger.Service does.
type Shares interface {
	Shares() (shares []allocator.Share, capacity resource.Vector)
}

type shareService struct {
	auspexv1.UnimplementedShareServiceServer
	shares Shares
}

func (s *shareService) ListShares(context.Context, *auspexv1.ListSharesRequest) (*auspexv1.ListSharesResponse, error) {
	shares, capacity := s.shares.Shares()
	response := &auspexv1.ListSharesResponse{
		Queues:   make([]*auspexv1.QueueShare, len(shares)),
		Capacity: resourcesToWire(capacity),
	}
	for i := range shares {
		response.Queues[i] = shareToWire(&shares[i])
	}
	return response, nil
}
