package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/client"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/training"
)

// Story tells what happens to Out, section by section.
type Story struct {
	Out     io.Writer
	section int
}

func (t *Story) head(format string, args ...any) {
	t.section++
	fmt.Fprintf(t.Out, "\n%d. %s\n\n", t.section, fmt.Sprintf(format, args...))
}

func (t *Story) line(format string, args ...any) { fmt.Fprintf(t.Out, format+"\n", args...) }

func (t *Story) table(g *output.Grid) { g.WriteTable(t.Out) }

// Opening says what is played, and where its data are.
func (t *Story) Opening(trace *Trace, dir string) {
	kind := "recorded"
	if trace.Usage.Synthetic() {
		kind = "synthetic: made up, nothing in it was measured"
	}
	t.line("Auspex demo: the whole loop once, on %s (%s) and on this machine.", trace.Usage.Label(), kind)
	t.line("%d nodes, %d workloads running, %d about to arrive. Data in %s.", len(trace.Nodes), len(trace.Running), len(trace.Arriving), dir)
	if trace.invented {
		t.line("The trace has no machines; the demo's are made so that the limits of its workloads add up to %.0f %% of their CPU.", 100*provisioned)
	}
}

// hostShown is how many of this machine's groups are shown.
const hostShown = 5

// Collected tells what a history, kept by driver, holds of the trace and of this
// machine.
func (t *Story) Collected(ctx context.Context, history store.History, driver string, trace *Trace, took time.Duration) error {
	t.head("Collected")
	n, err := history.Count(ctx, store.Query{Sources: []string{trace.Usage.Label()}})
	if err != nil {
		return err
	}
	t.line("%d samples of %s, through the spool on disk into %s, in %.1f s (%.0f a second).",
		n, trace.Usage.Label(), driver, took.Seconds(), float64(n)/took.Seconds())

	latest := map[string]timeseries.Sample{}
	measured := 0
	for x, err := range history.Scan(ctx, store.Query{Sources: []string{"host"}}) {
		if err != nil {
			return err
		}
		latest[x.Key.Workload] = x
		measured++
	}
	t.line("%d samples of %d groups of this machine. The busiest just now:", measured, len(latest))
	t.line("")
	g := &output.Grid{Header: []string{"GROUP", "CPU", "MEMORY", "DISK I/O"}}
	busiest := make([]timeseries.Sample, 0, len(latest))
	for _, x := range latest {
		busiest = append(busiest, x)
	}
	slices.SortFunc(busiest, func(a, b timeseries.Sample) int {
		return cmp.Or(cmp.Compare(b.Usage.Get(resource.CPU), a.Usage.Get(resource.CPU)), cmp.Compare(a.Key.Workload, b.Key.Workload))
	})
	for _, x := range busiest[:min(hostShown, len(busiest))] {
		g.Add(x.Key.Workload, resource.FormatAmount(resource.CPU, x.Usage.Get(resource.CPU)),
			resource.FormatAmount(resource.Memory, x.Usage.Get(resource.Memory)), resource.FormatAmount(resource.DiskIO, x.Usage.Get(resource.DiskIO)))
	}
	t.table(g)
	return nil
}

// coverages are those at which the demo shows the coverage of what was learned.
var coverages = []string{"0.9", "0.99"}

// Learned tells what a night brought, resource by resource and for whole machines.
func (t *Story) Learned(r *training.Report) error {
	t.head("Learned")
	if r.Skipped != "" {
		t.line("Nothing: %s.", r.Skipped)
		return nil
	}
	t.line("One night took %.1f s: %d samples of %d workloads; judged on the days from %s on, which nothing was fitted on.",
		r.Seconds, r.Samples, r.Workloads, r.TestFrom.Format(time.DateOnly))
	t.line("Pinball loss in thousandths of the limit (less is better), beside the baselines, all calibrated alike:")
	t.line("")
	t.table(ratingGrid(r.Targets))
	t.line("")
	t.line("A model serves a class where it loses less than every baseline, clearly less than percentiles, and breaks no promise; percentiles serve elsewhere.")
	for _, m := range r.Machines {
		t.line("")
		kind := "random machines"
		if m.Placed {
			kind = "the trace's own nodes"
		}
		t.line("%s of %s, about %d workloads each, at a nominal %g %% of violations:", m.Resource, kind, m.Members, 100*m.Risk)
		machines := &output.Grid{Header: []string{"FORECAST OF THE PEAK", "VIOLATIONS", "SAVES OF THE LIMITS", "OF THE ORACLE'S SAVINGS"}}
		for _, c := range leading(m.Contestants) {
			machines.Add(c.Name, fmt.Sprintf("%.2f%%", 100*c.Calibrated.ViolationRate), fmt.Sprintf("%.1f%%", 100*c.Calibrated.Savings), fmt.Sprintf("%.1f%%", 100*c.Calibrated.OracleShare))
		}
		t.table(machines)
	}
	return nil
}

// contestantsShown is how many rivals of ours are shown by machine.
const contestantsShown = 6

// leading returns our own contestants and those of the others that save most.
func leading(all []training.MachineScore) []training.MachineScore {
	ours, others := all[:min(2, len(all))], slices.Clone(all[min(2, len(all)):])
	slices.SortStableFunc(others, func(a, b training.MachineScore) int {
		return cmp.Compare(b.Calibrated.Savings, a.Calibrated.Savings)
	})
	return slices.Concat(ours, others[:min(contestantsShown, len(others))])
}

// ratingGrid has a row for each target that was judged.
func ratingGrid(targets []training.TargetReport) *output.Grid {
	g := &output.Grid{Header: []string{"RESOURCE", "CLASS", "CASES", "LEARNED", "PERCENTILES", "BEST BASELINE", "", "LIMIT"}}
	for _, level := range coverages {
		g.Header = append(g.Header, "COVERS "+level)
	}
	g.Header = append(g.Header, "VERDICT")
	for _, x := range targets {
		if len(x.Ratings) < 2 || x.Ratings[0].Name != training.LearnedName {
			continue
		}
		row := []any{x.Resource, x.Class, x.Ratings[0].Cases, thousandths(x.Ratings[0])}
		row = append(row, thousandths(rated(x.Ratings, training.PercentilesName)))
		best := bestBaseline(x.Ratings)
		row = append(row, best.Name, thousandths(best), thousandths(rated(x.Ratings, "limit")))
		for _, level := range coverages {
			row = append(row, fmt.Sprintf("%.3f", x.Ratings[0].Coverage[level]))
		}
		g.Add(append(row, string(x.Verdict))...)
	}
	return g
}

func thousandths(r training.Rating) string { return fmt.Sprintf("%.2f", 1000*r.Mean) }

func rated(all []training.Rating, name string) training.Rating {
	return all[max(0, slices.IndexFunc(all, func(r training.Rating) bool { return r.Name == name }))]
}

// bestBaseline returns the one of public methods that loses least.
func bestBaseline(all []training.Rating) training.Rating {
	rivals := slices.DeleteFunc(slices.Clone(all), func(r training.Rating) bool {
		return r.Name == training.LearnedName || r.Name == training.ChampionName || r.Name == training.PercentilesName
	})
	return slices.MinFunc(rivals, func(a, b training.Rating) int { return cmp.Compare(a.Mean, b.Mean) })
}

func (t *Story) fleet(trace *Trace, running, refused int, before []*auspexv1.NodeStatus) {
	t.head("Served, and the fleet as it was")
	t.line("%d nodes registered and %d workloads placed on them over gRPC (%d did not fit).", len(trace.Nodes), running, refused)
	t.line("")
	t.table(siteGrid(before))
}

func (t *Story) arrivals(p placements) {
	n := len(p.placed) + len(p.refused)
	t.head("Placed")
	t.line("%d of %d arriving workloads found a place, %d ended meanwhile; an answer took %v on average.",
		len(p.placed), n, p.departed, (p.took / time.Duration(max(n, 1))).Round(10*time.Microsecond))
	t.line("")
	g := &output.Grid{Header: []string{"WORKLOAD", "CLASS", "ASKS FOR", "NODE", "SCORE", "WON BY", "FORECAST", "FEASIBLE"}}
	for _, x := range sampleByClass(p.placed, 3) {
		g.Add(x.workload.ID, x.answer.Class, x.workload.Requests.String(), x.answer.Node, fmt.Sprintf("%.1f", x.answer.Score),
			wonBy(x.answer), x.answer.ForecastBasis, fmt.Sprintf("%d/%d", x.answer.NodesFeasible, x.answer.NodesConsidered))
	}
	t.table(g)
	if len(p.refused) == 0 {
		return
	}
	t.line("")
	t.line("Not placed, and why:")
	t.line("")
	refused := &output.Grid{Header: []string{"WORKLOAD", "CLASS", "ASKS FOR", "WHY"}}
	for _, x := range p.refused[:min(5, len(p.refused))] {
		refused.Add(x.workload.ID, x.answer.Class, x.workload.Requests.String(), x.answer.Reason)
	}
	t.table(refused)
}

func (t *Story) explanation(e *auspexv1.ExplainResponse) error {
	t.head("Explained: why %s went to %s", e.Workload.GetId(), e.Outcome.GetNode())
	return client.ExplanationTable{ExplainResponse: e}.WriteTable(t.Out)
}

func (t *Story) after(before, after []*auspexv1.NodeStatus) {
	t.head("The fleet afterwards")
	t.table(siteGrid(after))
	a, b := totals(before), totals(after)
	t.line("")
	for _, r := range []struct {
		name string
		of   func(site) (requested, peak, capacity float64)
	}{
		{"CPU", func(s site) (float64, float64, float64) { return s.requested, s.peak, s.cpu }},
		{"memory", func(s site) (float64, float64, float64) { return s.memRequested, s.mem, s.memory }},
	} {
		share := func(part, whole float64) float64 { return 100 * part / max(whole, 1e-9) }
		requestedBefore, peakBefore, whole := r.of(a)
		requested, peak, _ := r.of(b)
		t.line("Of the fleet's %s, requests grew from %.0f %% to %.0f %%, predicted peaks at 1 %% risk from %.0f %% to %.0f %%.", r.name,
			share(requestedBefore, whole), share(requested, whole), share(peakBefore, whole), share(peak, whole))
	}
}

// Staying says where the server is reached.
func (t *Story) Staying(grpc, http string) {
	t.line("")
	t.line("Still serving: gRPC on %s, metrics on http://%s/metrics. Try:", grpc, http)
	t.line("  auspex --server %s nodes", grpc)
	t.line("  auspex --server %s place --id try-1 --class service --requests cpu=2,memory=4GiB", grpc)
	t.line("Interrupt to stop.")
}

// Closing says what to do next.
func (t *Story) Closing() {
	t.line("")
	t.line("Done. 'auspex demo --serve' keeps it up; 'auspex serve' runs it on your own configuration.")
}

// sampleByClass returns up to n placements of each class.
func sampleByClass(all []placed, n int) []placed {
	seen := map[string]int{}
	var some []placed
	for _, x := range all {
		if seen[x.answer.Class]++; seen[x.answer.Class] <= n {
			some = append(some, x)
		}
	}
	slices.SortStableFunc(some, func(a, b placed) int { return cmp.Compare(a.answer.Class, b.answer.Class) })
	return some
}

// wonBy names the scorer that set the chosen node apart from the next best, and
// by how many points.
func wonBy(p *auspexv1.PlaceResponse) string {
	if len(p.Alternatives) == 0 {
		return "no other fits"
	}
	best, most := "", 0.0
	for i, s := range p.Scores {
		if other := p.Alternatives[0].Scores; i < len(other) && s.Points-other[i].Points > most {
			best, most = s.Scorer, s.Points-other[i].Points
		}
	}
	if best == "" {
		return "a tie"
	}
	return fmt.Sprintf("%s (+%.2f)", best, most)
}
