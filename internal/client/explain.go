package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"google.golang.org/grpc"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/output"
)

// Explain prints why a past decision came out as it did and, with a node,
// why it did not go there.
func (c Client) Explain(ctx context.Context, decision, node string) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewPlacementServiceClient(conn).Explain(ctx, &auspexv1.ExplainRequest{DecisionId: decision, Node: node})
		if err != nil {
			return err
		}
		return c.print(resp, ExplanationTable{resp})
	})
}

// ExplanationTable shows an explanation to people: what was decided, every
// filter, every score, the runner-up, the forecast.
type ExplanationTable struct{ *auspexv1.ExplainResponse }

// WriteTable implements output.Tabler.
func (e ExplanationTable) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "decided %s, now %s\n", e.Decided.AsTime().Format(time.RFC3339), e.State)
	outcome := e.Outcome
	if outcome == nil {
		outcome = &auspexv1.PlaceResponse{}
	}
	if len(e.Members) > 0 {
		fmt.Fprintf(w, "%s: %s\n", e.DecisionId, outcome.Reason)
		return output.WriteBlocks(w, output.Block{Grid: memberGrid(e.Members)})
	}
	head := &auspexv1.PlaceResponse{
		DecisionId: e.DecisionId, Node: outcome.Node, Score: outcome.Score, Reason: outcome.Reason, Devices: outcome.Devices,
		Class: outcome.Class, ForecastBasis: outcome.ForecastBasis, ForecastModel: outcome.ForecastModel,
		NodesConsidered: outcome.NodesConsidered, NodesFeasible: outcome.NodesFeasible, Preemption: outcome.Preemption,
		NodesOutranked: outcome.NodesOutranked,
	}
	if err := (decisionTable{head, e.Workload.GetId()}).WriteTable(w); err != nil {
		return err
	}
	if outcome.Gang != "" {
		fmt.Fprintf(w, "member of gang %s\n", outcome.Gang)
	}
	e.writeForecast(w)
	fmt.Fprintf(w, "\n%s\n", e.Formula)
	return errors.Join(output.WriteBlocks(w,
		output.Block{Title: "points of the chosen node", Grid: scoreGrid(outcome.Scores)},
		output.Block{Title: "what separated it from the runner-up", Grid: differenceGrid(e.Difference, "CHOSEN", "RUNNER-UP")},
		output.Block{Title: "alternatives", Grid: candidateGrid(outcome.Alternatives)},
		output.Block{Title: "filters", Grid: rejectionGrid(e.Filters)},
		output.Block{Title: "forecast", Grid: demandGrid(e.Forecast)},
	), e.writeVerdict(w))
}

// writeForecast says when it was predicted, and from what.
func (e ExplanationTable) writeForecast(w io.Writer) {
	f := e.Forecast
	if f == nil {
		return
	}
	age := e.Decided.AsTime().Sub(f.Issued.AsTime())
	fmt.Fprintf(w, "forecast made %s before, on %s\n", age.Round(time.Second), past(f))
}

func memberGrid(members []*auspexv1.GangMember) *output.Grid {
	g := &output.Grid{Header: []string{"MEMBER", "STATE", "NODE", "DECISION", "REASON"}}
	for _, m := range members {
		g.Add(m.Workload, m.State, output.OrDash(m.Node), m.DecisionId, m.Reason)
	}
	return g
}

func differenceGrid(differences []*auspexv1.ScoreDifference, chosen, other string) *output.Grid {
	g := &output.Grid{Header: []string{"SCORER", chosen, other, "DIFFERENCE"}}
	for _, d := range differences {
		g.Add(d.Scorer, d.ChosenPoints, d.RunnerUpPoints, d.ChosenPoints-d.RunnerUpPoints)
	}
	return g
}

func (e ExplanationTable) writeVerdict(w io.Writer) error {
	v := e.Verdict
	if v == nil {
		return nil
	}
	when := "then"
	if v.JudgedNow {
		when = "on the fleet as it is now"
	}
	answer := "would take it"
	if !v.Feasible {
		answer = "cannot take it"
	}
	fmt.Fprintf(w, "\nnode %s %s (judged %s)\n", v.Node, answer, when)
	if err := output.WriteBlocks(w, output.Block{Grid: rejectionGrid(v.Rejections)}, output.Block{Grid: scoreGrid(v.Scores)}); err != nil {
		return err
	}
	if len(v.Changes) > 0 {
		fmt.Fprintln(w, "\nit would take it after all of these:")
		for _, c := range v.Changes {
			fmt.Fprintf(w, "  %s\n", c)
		}
	}
	return writeRival(w, v)
}

// writeRival says what separates a node that would do from the chosen one.
func writeRival(w io.Writer, v *auspexv1.NodeVerdict) error {
	r := v.Rival
	if r == nil {
		return nil
	}
	title := fmt.Sprintf("%.2f points behind %s", r.Behind, r.Node)
	switch {
	case math.Abs(r.Behind) < .005: // 0.00 as it is told
		title = fmt.Sprintf("level with %s as things are now: of nodes that are level the one of the lower rank is taken", r.Node)
	case r.Behind < 0:
		title = fmt.Sprintf("as things are now it would win, %.2f points ahead of %s", -r.Behind, r.Node)
	}
	flips := &output.Grid{Header: []string{"SCORER", "WEIGHT", "WINS AT"}}
	for _, f := range r.Flips {
		flips.Add(f.Scorer, f.Weight, f.At)
	}
	return output.WriteBlocks(w,
		output.Block{Title: title, Grid: differenceGrid(r.Scores, "CHOSEN", "THIS ONE")},
		output.Block{Title: "one of these weights would make it win", Grid: flips},
	)
}
