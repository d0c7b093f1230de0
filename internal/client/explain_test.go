package client

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

var update = flag.Bool("update", false, "rewrite testdata with what is printed now")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (look at the change after: go test ./internal/app -update); got\n%s", path, got)
	}
}

// What explain prints, to be read at three in the morning.
func TestExplainTable(t *testing.T) {
	decided := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	scores := []*auspexv1.ScoreLine{
		{Scorer: "fit", Raw: .42, Unit: "share", Value: 58, Weight: 2, Points: 38.667},
		{Scorer: "cost", Raw: 1.5, Unit: "per hour", Value: 40, Weight: 1, Points: 13.333},
		{Scorer: "locality", Unit: "distance"},
	}
	filters := []*auspexv1.Rejection{
		{Filter: "ready", Reason: "node is being drained"},
		{Filter: "taints", Reason: "taint not tolerated", Nodes: 2},
		{Filter: "predicted", Reason: "predicted peak of cpu over capacity", Nodes: 3, Preemptible: true},
	}
	placed := &auspexv1.ExplainResponse{
		DecisionId: "01J", Decided: timestamppb.New(decided), State: "confirmed",
		Workload: &auspexv1.Workload{Id: "web-1"},
		Outcome: &auspexv1.PlaceResponse{
			DecisionId: "01J", Node: "n7", Score: 52, Scores: scores, Class: "service", ForecastBasis: "learned", ForecastModel: "service-0042",
			NodesConsidered: 9, NodesFeasible: 4, Reason: "n7: best of 4 nodes that fit among 9, 2.50 points ahead of n3",
			Alternatives: []*auspexv1.Candidate{{Node: "n3", Score: 49.5}},
		},
		Filters:    filters,
		Difference: []*auspexv1.ScoreDifference{{Scorer: "fit", ChosenPoints: 38.667, RunnerUpPoints: 36.167}, {Scorer: "cost", ChosenPoints: 13.333, RunnerUpPoints: 13.333}, {Scorer: "locality"}},
		Forecast: &auspexv1.Forecast{
			Issued: timestamppb.New(decided.Add(-90 * time.Second)), Basis: "learned", Model: "service-0042",
			History: durationpb.New(504 * time.Hour), Stale: durationpb.New(5 * time.Minute),
			Demands: []*auspexv1.Demand{{Resource: "cpu", Mean: 1, Peak: 2.5, Limit: 4}},
		},
		Formula: "score = sum over scorers of value x weight / sum of weights",
	}
	refuses := &auspexv1.NodeVerdict{
		Node: "n1", JudgedNow: true, Score: 60, Scores: scores, Rejections: filters[1:],
		Changes: []string{"tolerate the taint dedicated=db", "free 1.5 of cpu by Mar 1 14:00: the predicted peak is 9.5 of 8 there"},
	}
	loses := &auspexv1.NodeVerdict{
		Node: "n3", Feasible: true, JudgedNow: true, Score: 49.5, Scores: scores,
		Rival: &auspexv1.Rival{
			Node: "n7", Behind: 2.5, Scores: placed.Difference, Flips: []*auspexv1.Flip{{Scorer: "cost", Weight: 1, At: 3.25}, {Scorer: "fit", Weight: 2, At: 0}},
		},
	}
	full := &auspexv1.ExplainResponse{
		DecisionId: "01K", Decided: timestamppb.New(decided), State: "denied", Workload: &auspexv1.Workload{Id: "web-2"}, Filters: filters, Formula: placed.Formula,
		Outcome: &auspexv1.PlaceResponse{
			DecisionId: "01K", Class: "service", NodesConsidered: 5, Reason: "no node fits (of 5): predicted peak of cpu over capacity on 3, taint not tolerated on 2",
			Preemption: &auspexv1.Preemption{Node: "n4", Victims: []*auspexv1.Victim{{Workload: "crunch-3", Class: "batch"}, {Workload: "crunch-9", Class: "batch"}}},
		},
	}
	restored := &auspexv1.ExplainResponse{
		DecisionId: "01M", Decided: timestamppb.New(decided), State: "reserved", Workload: &auspexv1.Workload{Id: "web-3"}, Formula: placed.Formula,
		Outcome: &auspexv1.PlaceResponse{DecisionId: "01M", Node: "n3", Class: "service", Reason: "n3: kept over a restart, without its scores"},
	}
	gang := &auspexv1.ExplainResponse{
		DecisionId: "01L", Decided: timestamppb.New(decided), State: "reserved", Outcome: &auspexv1.PlaceResponse{Reason: "2 members on 2 nodes, all in rack k1"},
		Members: []*auspexv1.GangMember{
			{DecisionId: "01L.0", Workload: "rank-0", Node: "n1", State: "confirmed", Reason: "n1: the only one of 9 nodes that fits"},
			{DecisionId: "01L.1", Workload: "rank-1", Node: "n2", State: "reserved", Reason: "n2: best of 3 nodes that fit among 9, 0.10 points ahead of n5"},
		},
	}
	with := func(v *auspexv1.NodeVerdict) *auspexv1.ExplainResponse {
		return &auspexv1.ExplainResponse{
			DecisionId: placed.DecisionId, Decided: placed.Decided, State: placed.State, Workload: placed.Workload, Outcome: placed.Outcome,
			Filters: filters, Difference: placed.Difference, Forecast: placed.Forecast, Formula: placed.Formula, Verdict: v,
		}
	}
	for name, e := range map[string]*auspexv1.ExplainResponse{
		"explain-placed": placed, "explain-refuses": with(refuses), "explain-loses": with(loses), "explain-full": full, "explain-gang": gang,
		"explain-restored": restored,
	} {
		var b strings.Builder
		if err := (ExplanationTable{e}).WriteTable(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

// Of nodes that are level none wins by points.
func TestRivalTitle(t *testing.T) {
	for behind, want := range map[float64]string{
		math.Copysign(0, -1): "level with n1", -.001: "level with n1", 1.5: "1.50 points behind n1", -1.5: "it would win, 1.50 points ahead of n1",
	} {
		var b strings.Builder
		if err := writeRival(&b, &auspexv1.NodeVerdict{Rival: &auspexv1.Rival{Node: "n1", Behind: behind, Scores: []*auspexv1.ScoreDifference{{Scorer: "fit"}}}}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "-0.00") {
			t.Errorf("%g behind is told as %q, want %q", behind, b.String(), want)
		}
	}
}
