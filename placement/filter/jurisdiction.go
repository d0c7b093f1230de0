package filter

import (
	"fmt"
	"slices"

	"github.com/auspex-project/auspex/placement"
)

// Jurisdiction demands that a node's region stands under the law of a country the
// workload allows. A region whose country the operator has not given is none of
// them.
type Jurisdiction struct{}

var _ placement.Filter = Jurisdiction{}

// lawfulPlaces is the key of the places that stand under the law of some countries,
// each in quotes: the operator gives them any name.
type lawfulPlaces string

func (Jurisdiction) Name() string { return "jurisdiction" }

func (Jurisdiction) Prepare(q *placement.Query) []placement.Rule {
	countries := q.Workload.Security.Countries
	if len(countries) == 0 {
		return nil
	}
	lawful := func(s *placement.State, p placement.Place) bool {
		return slices.Contains(countries, s.Policy.Country(p))
	}
	allowed := placement.Recall(q.State, lawfulPlaces(fmt.Sprintf("%q", countries)), func() []bool {
		allowed := make([]bool, len(q.State.Places))
		for i, p := range q.State.Places {
			allowed[i] = lawful(q.State, p)
		}
		return allowed
	})
	return []placement.Rule{{
		Reason: "outside the allowed countries", Lasting: true, Open: allowed,
		Check: perNode(func(s *placement.State, b *placement.Block, i int) bool {
			p := int(b.Place[i])
			if p >= len(allowed) { // a node described since the query was made
				return lawful(s, s.Places[p])
			}
			return allowed[p]
		}),
	}}
}
