package app

import (
	"context"
	"fmt"
	"io"
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
		return c.print(resp, explanationTable{resp})
	})
}

// explanationTable shows an explanation to people: what was decided, every
// filter, every score, the runner-up, the forecast.
type explanationTable struct{ *auspexv1.ExplainResponse }

// WriteTable implements output.Tabler.
func (e explanationTable) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "decided %s, now %s\n", e.Decided.AsTime().Format(time.RFC3339), e.State)
	outcome := e.Outcome
	if outcome == nil {
		outcome = &auspexv1.PlaceResponse{}
	}
	head := &auspexv1.PlaceResponse{
		DecisionId: e.DecisionId, Node: outcome.Node, Score: outcome.Score, Reason: outcome.Reason, Devices: outcome.Devices,
		Class: outcome.Class, ForecastBasis: outcome.ForecastBasis, ForecastModel: outcome.ForecastModel,
		NodesConsidered: outcome.NodesConsidered, NodesFeasible: outcome.NodesFeasible,
	}
	if err := (decisionTable{head, e.Workload.GetId()}).WriteTable(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", e.Formula)
	difference := &output.Grid{Header: []string{"SCORER", "CHOSEN", "RUNNER-UP", "DIFFERENCE"}}
	for _, d := range e.Difference {
		difference.Add(d.Scorer, d.ChosenPoints, d.RunnerUpPoints, d.ChosenPoints-d.RunnerUpPoints)
	}
	if err := writeBlocks(w,
		block{"points of the chosen node", scoreGrid(outcome.Scores)},
		block{"what separated it from the runner-up", difference},
		block{"alternatives", candidateGrid(outcome.Alternatives)},
		block{"filters", rejectionGrid(e.Filters)},
		block{"forecast", demandGrid(e.Forecast)},
	); err != nil {
		return err
	}
	return e.writeVerdict(w)
}

func (e explanationTable) writeVerdict(w io.Writer) error {
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
	return writeBlocks(w, block{"", rejectionGrid(v.Rejections)}, block{"", scoreGrid(v.Scores)})
}
