package client

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/resource"
)

// PlaceRequest is what the place subcommand was asked: a workload in a file, or
// its parts as flags, the flags winning over the file.
type PlaceRequest struct {
	File      string
	In        io.Reader
	RequestID string // "" makes a new one

	ID, App, Class, Queue string
	Requests, Limits      string // "cpu=2,memory=4GiB"
	Devices               uint32
	Models                []string
	Share                 float64
	Level                 uint32
	Compartments          []string
	Zones                 []string

	Alternatives uint32
	DryRun       bool
}

// Place asks the server where to run a workload and prints the answer.
func (c Client) Place(ctx context.Context, r PlaceRequest) error {
	w, err := r.workload()
	if err != nil {
		return err
	}
	id := r.RequestID
	if id == "" {
		id = ulid.Make().String()
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewPlacementServiceClient(conn).Place(ctx, &auspexv1.PlaceRequest{
			RequestId: id, Workload: w, Alternatives: r.Alternatives, DryRun: r.DryRun,
		})
		if err != nil {
			return err
		}
		return c.print(resp, decisionTable{resp, w.Id})
	})
}

func (r PlaceRequest) workload() (*auspexv1.Workload, error) {
	w := &auspexv1.Workload{}
	if r.File != "" {
		if err := readMessage(r.File, r.In, w); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		to   *string
		from string
	}{{&w.Id, r.ID}, {&w.App, r.App}, {&w.Class, r.Class}, {&w.Queue, r.Queue}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if w.Id == "" {
		return nil, misuse.Error{Reason: "place: no workload id (give --id, or a file with -f)"}
	}
	for _, f := range []struct {
		to   **auspexv1.Resources
		from string
	}{{&w.Requests, r.Requests}, {&w.Limits, r.Limits}} {
		if f.from == "" {
			continue
		}
		v, err := resource.Parse(f.from)
		if err != nil {
			return nil, misuse.Error{Reason: err.Error()}
		}
		*f.to = &auspexv1.Resources{Amounts: amounts(v)}
	}
	if r.Share != 0 && !(r.Share > 0 && r.Share <= 1) {
		return nil, misuse.Errorf("place: share %g of a device is not more than 0 and at most 1", r.Share)
	}
	r.constrain(w)
	return w, nil
}

// constrain enters the constraints that flags give and keeps all others of w.
func (r PlaceRequest) constrain(w *auspexv1.Workload) {
	if r.Devices > 0 || r.Share > 0 || len(r.Models) > 0 {
		a := orNew(&w.Accelerator)
		a.Devices = cmp.Or(r.Devices, a.Devices, 1)
		a.Share = cmp.Or(r.Share, a.Share)
		a.Models = orKept(r.Models, a.Models)
	}
	if r.Level > 0 || len(r.Compartments) > 0 {
		s := orNew(&w.Security)
		s.Level = cmp.Or(r.Level, s.Level)
		s.Compartments = orKept(r.Compartments, s.Compartments)
	}
	if len(r.Zones) > 0 {
		orNew(&orNew(&w.Locality).Required).Zones = r.Zones
	}
}

// orNew returns the message that m points to, a new one where there is none.
func orNew[M any](m **M) *M {
	if *m == nil {
		*m = new(M)
	}
	return *m
}

// orKept returns given unless it is empty.
func orKept(given, kept []string) []string {
	if len(given) > 0 {
		return given
	}
	return kept
}

func amounts(v resource.Vector) map[string]float64 {
	m := make(map[string]float64, v.Len())
	for n, x := range v.All() {
		m[string(n)] = x
	}
	return m
}

// ReleaseRequest names what to give back: one of the two.
type ReleaseRequest struct{ Decision, Workload string }

// Release gives back what a reservation or placement holds.
func (c Client) Release(ctx context.Context, r ReleaseRequest) error {
	req := &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{DecisionId: r.Decision}}
	if r.Workload != "" {
		req.Target = &auspexv1.ReleaseRequest_Workload{Workload: r.Workload}
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewPlacementServiceClient(conn).Release(ctx, req)
		if err != nil {
			return err
		}
		return c.print(resp, output.Text(r.told(resp.Released)))
	})
}

// told says what came of r; what is no decision's id is likely a workload's.
func (r ReleaseRequest) told(released bool) string {
	// A member's id begins with its gang's.
	_, err := ulid.ParseStrict(r.Decision[:min(ulid.EncodedSize, len(r.Decision))])
	switch {
	case released:
		return "released\n"
	case r.Workload == "" && err != nil:
		return fmt.Sprintf("nothing to release: %q is no decision's id (a workload is released by --workload %s)\n", r.Decision, r.Decision)
	}
	return "nothing to release\n"
}

// Confirm tells the server that a reserved workload has started.
func (c Client) Confirm(ctx context.Context, decision string) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewPlacementServiceClient(conn).Confirm(ctx, &auspexv1.ConfirmRequest{DecisionId: decision})
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s runs on %s\n", resp.Workload, resp.Node)
		if resp.Workload == "" {
			text = fmt.Sprintf("the gang runs, %d members\n", resp.Workloads)
		}
		return c.print(resp, output.Text(text))
	})
}

// decisionTable shows a decision to people.
type decisionTable struct {
	*auspexv1.PlaceResponse
	workload string
}

// WriteTable implements output.Tabler.
func (d decisionTable) WriteTable(w io.Writer) error {
	var b strings.Builder
	switch {
	case d.Node == "":
		fmt.Fprintf(&b, "%s: no node (%s)\n", d.workload, d.Reason)
	case d.NodesConsidered == 0: // kept over a restart, without what it came from
		fmt.Fprintf(&b, "%s -> %s (%s)\n", d.workload, d.Node, d.Reason)
	default:
		fmt.Fprintf(&b, "%s -> %s, score %.1f (%s)\n", d.workload, d.Node, d.Score, d.Reason)
	}
	fmt.Fprintf(&b, "decision %s, class %s, forecast %s", d.DecisionId, d.Class, output.OrDash(d.ForecastBasis))
	if d.ForecastModel != "" && d.ForecastModel != d.ForecastBasis {
		fmt.Fprintf(&b, " (%s)", d.ForecastModel)
	}
	if d.NodesConsidered > 0 {
		fmt.Fprintf(&b, ", %d of %d nodes feasible", d.NodesFeasible, d.NodesConsidered)
	}
	if d.NodesOutranked > 0 {
		fmt.Fprintf(&b, ", %d outranked", d.NodesOutranked)
	}
	if len(d.Devices) > 0 {
		fmt.Fprintf(&b, ", devices %v", d.Devices)
	}
	if d.Expires != nil {
		fmt.Fprintf(&b, ", reserved until %s", d.Expires.AsTime().Format(time.RFC3339))
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if p := d.Preemption; p != nil {
		fmt.Fprintf(w, "%s would have room without", p.Node)
		for i, v := range p.Victims {
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, " %s (%s)", v.Workload, v.Class)
		}
		fmt.Fprintln(w, ": advice only, nothing was paused")
	}
	return output.WriteBlocks(w,
		output.Block{Grid: scoreGrid(d.Scores)},
		output.Block{Title: "alternatives", Grid: candidateGrid(d.Alternatives)},
		output.Block{Title: "turned away", Grid: rejectionGrid(d.Rejections)},
	)
}

func scoreGrid(lines []*auspexv1.ScoreLine) *output.Grid {
	g := &output.Grid{Header: []string{"SCORER", "RAW", "UNIT", "VALUE", "WEIGHT", "POINTS"}}
	for _, s := range lines {
		g.Add(s.Scorer, s.Raw, s.Unit, s.Value, s.Weight, s.Points)
	}
	return g
}

func candidateGrid(candidates []*auspexv1.Candidate) *output.Grid {
	g := &output.Grid{Header: []string{"NODE", "SCORE"}}
	for _, c := range candidates {
		g.Add(c.Node, c.Score)
	}
	return g
}

func rejectionGrid(rejections []*auspexv1.Rejection) *output.Grid {
	g := &output.Grid{Header: []string{"NODES", "FILTER", "REASON"}}
	for _, r := range rejections {
		g.Add(r.Nodes, r.Filter, r.Reason)
	}
	return g
}
