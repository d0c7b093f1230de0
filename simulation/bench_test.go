package simulation_test

import (
	"context"
	"testing"

	"github.com/auspex-project/auspex/simulation"
)

func BenchmarkPack(b *testing.B) {
	trace := openb(b, "default")
	for _, policy := range []string{"auspex", "fgd", "bestfit"} {
		b.Run(policy, func(b *testing.B) {
			decisions := 0
			for b.Loop() {
				s, err := simulation.Compare(context.Background(), trace, simulation.Options{
					Protocol: simulation.Protocol{Arrive: 1.3, Seeds: []uint64{1}}, Policies: []string{policy},
				})
				if err != nil {
					b.Fatal(err)
				}
				if s[0].GPU.Mean < .9 {
					b.Fatalf("%.4f of the devices are allocated", s[0].GPU.Mean)
				}
				b.ReportMetric(s[0].DecisionsPerSecond, "decisions/s")
				decisions += s[0].Placed + s[0].Failed
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(decisions), "ns/decision")
		})
	}
}
