package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
)

// What is worked out for all places at once is what each pair of places says.
func TestReplicas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	name := func(kind string) string {
		if n := r.IntN(4); n > 0 {
			return fmt.Sprint(kind, n)
		}
		return ""
	}
	for range 200 {
		s := newState(forecast.Grid{Slot: time.Hour, Slots: 24}, newPolicy(Settings{}, forecast.Margins{}, nil))
		for range 1 + r.IntN(40) {
			s.place(Place{name("p"), name("r"), name("z"), name("k")})
		}
		for range r.IntN(5) {
			s.Policy.Egress = append(s.Policy.Egress, Egress{From: Place{name("p"), name("r"), "", ""}, To: Place{name("p"), "", "", ""}, PerGiB: r.Float64()})
		}
		s.Catalogue = s.survey()
		var at []uint32
		for range r.IntN(6) {
			at = append(at, uint32(r.IntN(len(s.Places))))
		}
		slices.Sort(at)
		at = slices.Compact(at)
		s.Catalogue.Replicas[1] = at
		prices := s.Prices(1)
		for i, to := range s.Places {
			nearest, cheapest := 4, -1.
			for _, from := range at {
				nearest = min(nearest, to.Distance(s.Places[from]))
				if price := s.Policy.PerGiB(s.Places[from], to); cheapest < 0 || price < cheapest {
					cheapest = price
				}
			}
			if got := s.Distances(1)[i]; int(got) != nearest {
				t.Fatalf("%+v is %d from %v, not %d", to, got, at, nearest)
			}
			if cheapest >= 0 && prices[i] != cheapest {
				t.Fatalf("a GiB from %v to %+v costs %g, not %g", at, to, prices[i], cheapest)
			}
		}
	}
}
