package rpc

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/auspex-project/auspex/allocator"
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
)

// decisionToWire leaves out, for brief, what Explain tells later.
func decisionToWire(d *ledger.Decision, brief bool) *auspexv1.PlaceResponse {
	out := &auspexv1.PlaceResponse{
		DecisionId:      d.ID,
		Node:            d.Node,
		Devices:         countsToWire(d.Devices),
		Expires:         momentToWire(d.Expires),
		Score:           d.Score,
		DeniedByShare:   len(d.Denial) > 0,
		Denials:         denialsToWire(d.Denial),
		Reason:          d.Reason,
		Class:           string(d.Class),
		NodesConsidered: count(d.Considered),
		NodesFeasible:   count(d.Feasible),
		NodesOutranked:  count(d.Outranked),
		Gang:            d.Gang,
	}
	if p := d.Preemption; p != nil {
		out.Preemption = &auspexv1.Preemption{Node: p.Node}
		for _, v := range p.Victims {
			out.Preemption.Victims = append(out.Preemption.Victims, &auspexv1.Victim{Workload: v.Workload, Class: string(v.Class)})
		}
	}
	if d.Forecast != nil {
		out.ForecastBasis, out.ForecastModel = string(d.Forecast.Basis), d.Forecast.Model
	}
	if brief {
		return out
	}
	out.Scores, out.Rejections = scoresToWire(d.Scores), rejectionsToWire(d.Rejected())
	for _, c := range d.Alternatives {
		out.Alternatives = append(out.Alternatives, &auspexv1.Candidate{Node: c.Node, Score: c.Score, Scores: scoresToWire(c.Scores)})
	}
	return out
}

func explanationToWire(e *ledger.Explanation) *auspexv1.ExplainResponse {
	d := &e.Decision
	out := &auspexv1.ExplainResponse{
		DecisionId: d.ID,
		Decided:    momentToWire(d.Decided),
		Workload:   WorkloadToWire(d.Workload),
		Outcome:    decisionToWire(d, false),
		State:      string(e.Phase),
		Filters:    rejectionsToWire(d.Rejections),
		Formula:    e.Formula,
		Members:    gangMembersToWire(e),
	}
	if d.Forecast != nil {
		out.Forecast = forecastToWire(d.Forecast, d.Decided)
	}
	out.Difference = differencesToWire(e.Difference)
	if v := e.Verdict; v != nil {
		out.Verdict = &auspexv1.NodeVerdict{
			Node: v.Node, Feasible: v.Feasible, Rejections: rejectionsToWire(v.Rejections), Score: v.Score, Scores: scoresToWire(v.Scores), JudgedNow: true,
			Changes: v.Changes, Rival: rivalToWire(v.Rival),
		}
	}
	return out
}

func differencesToWire(list []placement.ScoreDifference) []*auspexv1.ScoreDifference {
	wire := make([]*auspexv1.ScoreDifference, len(list))
	for i, s := range list {
		wire[i] = &auspexv1.ScoreDifference{Scorer: s.Scorer, ChosenPoints: s.Chosen, RunnerUpPoints: s.RunnerUp}
	}
	return wire
}

func rivalToWire(r *placement.Rival) *auspexv1.Rival {
	if r == nil {
		return nil
	}
	out := &auspexv1.Rival{Node: r.Node, Behind: r.Behind, Scores: differencesToWire(r.Scores)}
	for _, f := range r.Flips {
		out.Flips = append(out.Flips, &auspexv1.Flip{Scorer: f.Scorer, Weight: f.Weight, At: f.At})
	}
	return out
}

func scoresToWire(scores []placement.ScoreLine) []*auspexv1.ScoreLine {
	lines := make([]auspexv1.ScoreLine, len(scores))
	wire := make([]*auspexv1.ScoreLine, len(scores))
	for i := range scores {
		s, line := &scores[i], &lines[i]
		line.Scorer, line.Raw, line.Unit, line.Value, line.Weight, line.Points = s.Scorer, s.Raw, s.Unit, s.Value, s.Weight, s.Points
		wire[i] = line
	}
	return wire
}

func rejectionsToWire(rejections []placement.Rejection) []*auspexv1.Rejection {
	wire := make([]*auspexv1.Rejection, len(rejections))
	for i, r := range rejections {
		wire[i] = &auspexv1.Rejection{Filter: r.Filter, Reason: r.Reason, Nodes: count(r.Nodes), Preemptible: r.Preemptible}
	}
	return wire
}

func denialsToWire(denial []allocator.Reason) []*auspexv1.Denial {
	wire := make([]*auspexv1.Denial, len(denial))
	for i, r := range denial {
		wire[i] = &auspexv1.Denial{Cause: string(r.Cause), Queue: r.Queue, Resource: string(r.Resource), Text: r.Text}
	}
	return wire
}

func shareToWire(s *allocator.Share) *auspexv1.QueueShare {
	return &auspexv1.QueueShare{
		Queue:            s.Queue.Name,
		Parent:           s.Queue.Parent,
		Weight:           s.Queue.Weight,
		Guarantee:        resourcesToWire(s.Queue.Guarantee),
		Limit:            resourcesToWire(s.Queue.Limit),
		Used:             resourcesToWire(s.Used),
		Revocable:        resourcesToWire(s.Revocable),
		DominantResource: string(s.DominantResource),
		DominantShare:    s.DominantShare,
		WeightedShare:    s.WeightedShare,
		Workloads:        count(s.Workloads),
	}
}

// momentToWire returns nil for the zero time.
func momentToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
