package client

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
)

// PlaceManyRequest is a file of workloads, each placed for itself or all as one
// gang.
type PlaceManyRequest struct {
	File      string // of a list "members"; for a gang also together and or_apart
	In        io.Reader
	RequestID string // of the gang, and what those of single workloads begin with; "" makes a new one

	Gang     bool
	Together string // wins over the file
	OrApart  bool
	DryRun   bool
}

// chunk is how many workloads one message holds, so that no server finds it too
// large.
const chunk = 250

// PlaceMany asks the server where to run many workloads and prints the answers.
func (c Client) PlaceMany(ctx context.Context, r PlaceManyRequest) error {
	file := &auspexv1.PlaceGangRequest{}
	if err := readMessage(r.File, r.In, file); err != nil {
		return err
	}
	if len(file.Members) == 0 {
		return misuse.Errorf("place: %s holds no members (a list of workloads)", r.File)
	}
	if r.RequestID == "" {
		r.RequestID = ulid.Make().String()
	}
	if r.Gang {
		file.RequestId, file.DryRun = r.RequestID, r.DryRun || file.DryRun
		if r.Together != "" {
			file.Together = r.Together
		}
		file.OrApart = file.OrApart || r.OrApart
		return c.placeGang(ctx, file)
	}
	if r.Together != "" || r.OrApart {
		return misuse.Error{Reason: "place: --together and --or-apart are for gangs (add --gang)"}
	}
	return c.placeEach(ctx, file.Members, r)
}

func (c Client) placeGang(ctx context.Context, r *auspexv1.PlaceGangRequest) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewPlacementServiceClient(conn).PlaceGang(ctx, r)
		if err != nil {
			return err
		}
		return c.print(resp, gangTable{resp, r.Members})
	})
}

func (c Client) placeEach(ctx context.Context, workloads []*auspexv1.Workload, r PlaceManyRequest) error {
	all := &auspexv1.PlaceBatchResponse{}
	for part := range slices.Chunk(workloads, chunk) {
		batch := &auspexv1.PlaceBatchRequest{}
		for _, w := range part {
			batch.Requests = append(batch.Requests, &auspexv1.PlaceRequest{
				RequestId: r.RequestID + "-" + w.GetId(), Workload: w, DryRun: r.DryRun, Brief: true,
			})
		}
		err := c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
			resp, err := auspexv1.NewPlacementServiceClient(conn).PlaceBatch(ctx, batch)
			all.Results = append(all.Results, resp.GetResults()...)
			return err
		})
		if err != nil {
			return fmt.Errorf("after %d of %d workloads: %w (repeat it with --request-id %s: what is placed stays as it is)",
				len(all.Results), len(workloads), err, r.RequestID)
		}
	}
	return c.print(all, batchTable{all, workloads})
}

// gangTable shows the decision on a gang to people.
type gangTable struct {
	*auspexv1.PlaceGangResponse
	asked []*auspexv1.Workload
}

// WriteTable implements output.Tabler.
func (g gangTable) WriteTable(w io.Writer) error {
	verdict := "placed"
	if !g.Placed {
		verdict = "not placed, nothing is reserved"
	}
	fmt.Fprintf(w, "gang of %d: %s (%s)\ndecision %s", len(g.asked), verdict, g.Reason, g.DecisionId)
	if g.Expires != nil {
		fmt.Fprintf(w, ", reserved until %s", g.Expires.AsTime().Format(time.RFC3339))
	}
	fmt.Fprintln(w)
	members := &output.Grid{Header: []string{"MEMBER", "NODE", "DEVICES", "SCORE", "DECISION"}}
	for i, m := range g.Members {
		members.Add(memberName(g.asked, i), output.OrDash(m.Node), devices(m.Devices), m.Score, m.DecisionId)
	}
	blocks := []output.Block{{Grid: members}}
	if i := int(g.Blocking); !g.Placed && i < len(g.Members) {
		blocks = append(blocks, output.Block{Title: memberName(g.asked, i) + " was turned away", Grid: rejectionGrid(g.Members[i].Rejections)})
	}
	return output.WriteBlocks(w, blocks...)
}

func memberName(asked []*auspexv1.Workload, i int) string {
	if i < len(asked) {
		return asked[i].GetId()
	}
	return "-"
}

func devices(list []uint32) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Trim(fmt.Sprint(list), "[]")
}

// batchTable shows the decisions on many workloads to people.
type batchTable struct {
	*auspexv1.PlaceBatchResponse
	asked []*auspexv1.Workload
}

// WriteTable implements output.Tabler.
func (b batchTable) WriteTable(w io.Writer) error {
	g := &output.Grid{Header: []string{"WORKLOAD", "NODE", "SCORE", "DECISION", "REASON"}}
	placed := 0
	for i, r := range b.Results {
		if f := r.GetFailure(); f != nil {
			g.Add(memberName(b.asked, i), "-", 0.0, "-", f.GetReason()+": "+f.GetMessage())
			continue
		}
		d := r.GetDecision()
		if d.GetNode() != "" {
			placed++
		}
		g.Add(memberName(b.asked, i), output.OrDash(d.GetNode()), d.GetScore(), d.GetDecisionId(), d.GetReason())
	}
	fmt.Fprintf(w, "%d of %d placed\n\n", placed, len(b.Results))
	return g.WriteTable(w)
}
