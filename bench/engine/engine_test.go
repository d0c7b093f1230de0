package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
)

// BenchmarkEngine measures decisions and their reservations; an iteration is one.
// The large fleets are left out by -short.
func BenchmarkEngine(b *testing.B) {
	for _, nodes := range []int{1_000, 10_000, 100_000} {
		if nodes > 10_000 && testing.Short() {
			continue
		}
		for _, full := range []float64{.5, .9} {
			for _, mix := range []Mix{Alike, Fifty, Different} {
				c := Case{nodes, full, mix}
				var bench *Bench
				b.Run(c.String(), func(b *testing.B) {
					if bench == nil {
						opened, err := Open(c)
						if err != nil {
							b.Fatal(err)
						}
						bench = opened
					}
					b.ResetTimer()
					r, err := bench.Measure(min(b.N, 500), b.N)
					if err != nil && b.N >= 100 {
						b.Fatal(err)
					}
					b.ReportMetric(r.PerCPU, "decisions/cpu-s")
					b.ReportMetric(float64(r.P50)/float64(time.Microsecond), "p50-µs")
					b.ReportMetric(float64(r.P99)/float64(time.Microsecond), "p99-µs")
					b.ReportMetric(r.Allocated, "B/decision")
					if bar, ok := c.Bar(); ok {
						b.ReportMetric(100*r.PerCPU/bar.PerCPU, "of-bar-%")
					}
					b.ReportMetric(100*float64(r.Refused)/float64(r.Decisions), "refused-%")
				})
			}
		}
	}
}

// BenchmarkMemory reports what a node and a placed workload take. The bars are 2,048
// and 1,024 bytes: a node's columns, its sums of two resources and watts in 24 slots,
// and its description; what is counted of a workload, and what is remembered of the
// decision. Its description is shared by those alike and packed where it is unlike all
// others: in the mix of different ones no two are alike.
func BenchmarkMemory(b *testing.B) {
	const nodes = 10_000
	for _, mix := range []Mix{Fifty, Different} {
		for _, full := range []float64{.5, .9} {
			b.Run(fmt.Sprintf("nodes=%d/full=%.0f%%/mix=%s", nodes, 100*full, mix), func(b *testing.B) {
				var m Memory
				for b.Loop() {
					var err error
					if m, err = MeasureMemory(Case{nodes, full, mix}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(m.PerNode, "B/node")
				b.ReportMetric(m.PerWorkload, "B/workload")
			})
		}
	}
}

func TestMemory(t *testing.T) {
	for _, mix := range []Mix{Alike, Different} {
		m, err := MeasureMemory(Case{2000, .5, mix})
		if err != nil || m.PerNode < 500 || m.PerNode > 10_000 || m.PerWorkload < 200 || m.PerWorkload > 1500 {
			t.Errorf("%s: %+v: %v", mix, m, err)
		}
	}
}

// Each mix does its work, on a fleet as full as was asked for.
func TestMeasure(t *testing.T) {
	for _, mix := range []Mix{Alike, Fifty, Different} {
		for _, full := range []float64{.5, .9} {
			t.Run(fmt.Sprintf("%s %.1f", mix, full), func(t *testing.T) {
				b, err := Open(Case{1000, full, mix})
				if err != nil {
					t.Fatal(err)
				}
				r, err := b.Measure(100, 300)
				if err != nil || r.Decisions != 300 || r.PerCPU <= 0 || r.P50 <= 0 || r.P99 < r.P50 {
					t.Fatalf("%+v: %v", r, err)
				}
				var requested, capacity float64
				for _, n := range b.Service.Nodes("", 0) {
					requested += n.Requested.Get("cpu")
					capacity += n.Node.Capacity.Get("cpu")
				}
				if share := requested / capacity; share < full-.12 || share > full+.12 {
					t.Errorf("%.2f of the cores are requested", share)
				}
			})
		}
	}
}

// Every constraint is in use: what a rule may object to turns nodes away, and each
// scorer tells nodes apart, for one of fifty shapes at least. Prices go by the hour, so
// the fleet fills otherwise at another time of day: the clock stands still.
func TestEveryConstraintCounts(t *testing.T) { synctest.Test(t, testEveryConstraintCounts) }

func testEveryConstraintCounts(t *testing.T) {
	turnedAway, raw := map[string]int{}, map[string]map[float64]bool{}
	for _, full := range []float64{.5, .9} {
		probe(t, Case{4000, full, Fifty}, turnedAway, raw)
	}
	for reason, nodes := range turnedAway {
		switch reason {
		case "node has not been heard of": // nodes need no heartbeat here
		case "predicted peak of memory over capacity": // its requests are more than that
		case "node is smaller than the request of cpu", "not asked for":
		default:
			if nodes == 0 {
				t.Errorf("%q is said of no node", reason)
			}
		}
	}
	if len(turnedAway) < 30 {
		t.Errorf("%d reasons", len(turnedAway))
	}
	for scorer, values := range raw {
		// Nodes that would rather be left alone are not among the hundred best, and what
		// room is worth is not learned here.
		if len(values) < 2 && scorer != "taints" && scorer != placement.RoomScorer {
			t.Errorf("to %s all nodes are alike", scorer)
		}
	}
}

// probe counts what is said of nodes to every shape of a case, by reason, and what
// is measured, by scorer.
func probe(t *testing.T, c Case, turnedAway map[string]int, raw map[string]map[float64]bool) {
	t.Helper()
	b, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Service.Drain(context.Background(), nodeName(1), false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Measure(300, 700); err != nil {
		t.Fatal(err)
	}
	for k, shape := range b.shapes {
		w := *shape
		w.ID = fmt.Sprintf("probe%d", k)
		d, err := b.Service.Place(context.Background(), ledger.Request{ID: w.ID, Workload: &w, DryRun: true, Alternatives: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Rejections {
			turnedAway[r.Reason] += r.Nodes
		}
		for _, candidate := range append(d.Alternatives, placement.Candidate{Scores: d.Scores}) {
			for _, line := range candidate.Scores {
				if raw[line.Scorer] == nil {
					raw[line.Scorer] = make(map[float64]bool)
				}
				raw[line.Scorer][line.Raw] = true
			}
		}
	}
}

func TestUnknownMix(t *testing.T) {
	if _, err := Open(Case{Nodes: 1, Mix: "odd"}); err == nil {
		t.Error("a mix that does not exist was opened")
	}
}
