package placement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Policy is Settings and margins made ready for the scan. It is immutable.
type Policy struct {
	Settings

	Margins   forecast.Margins
	resources []resource.Name
	classes   map[workload.Class]*classRules
	power     []float32 // margin of CPU at PowerRisk, by number of members
}

// classRules is what holds for one class.
type classRules struct {
	policy  workload.ClassPolicy
	margins [][]float32 // by schema position, then by number of members
}

func newPolicy(s Settings, m forecast.Margins, resources []resource.Name) *Policy {
	p := &Policy{Settings: s.WithDefaults(), Margins: m, resources: resources, classes: make(map[workload.Class]*classRules)}
	for _, c := range p.Classes {
		r, ahead := &classRules{policy: c}, m.Ahead(c.Horizon)
		for _, n := range resources {
			r.margins = append(r.margins, marginTable(ahead, n, c.Risk))
		}
		p.classes[c.Class] = r
	}
	p.power = marginTable(m, resource.CPU, p.PowerRisk)
	return p
}

func (p *Policy) forResources(resources []resource.Name) *Policy {
	return newPolicy(p.Settings, p.Margins, resources)
}

// marginTable returns the margin of n at risk by number of members. The last
// entry holds for all larger numbers.
func marginTable(m forecast.Margins, n resource.Name, risk float64) []float32 {
	largest := 0
	for _, b := range m.Bands {
		if b.Resource == n && b.Horizon == 0 {
			largest = max(largest, b.MaxMembers)
		}
	}
	// Past the largest band the margin no longer changes; a band for more members
	// than any machine runs is cut.
	const most = 4096
	table := make([]float32, min(largest, most)+1)
	for members := range table {
		table[members] = m.At(n, members, risk)
	}
	return table
}

func (p *Policy) powerMargin(members int) float32 { return p.power[min(members, len(p.power)-1)] }

// Class returns what is configured of a class, false where it is not.
func (p *Policy) Class(c workload.Class) (_ workload.ClassPolicy, known bool) {
	if r, known := p.classes[c]; known {
		return r.policy, true
	}
	return workload.ClassPolicy{}, false
}

// CheckClass reports that no class of this name is configured. The error is a
// *workload.FieldError.
func (p *Policy) CheckClass(class workload.Class) error {
	if _, known := p.classes[class]; known {
		return nil
	}
	configured := make([]string, len(p.Classes))
	for i, c := range p.Classes {
		configured[i] = string(c.Class)
	}
	slices.Sort(configured)
	return &workload.FieldError{Field: "class", Err: fmt.Errorf("class %q is not configured (want one of %s)", class, strings.Join(configured, ", "))}
}

// Tier returns the tier of a class; one that is no longer configured can be
// revoked.
func (p *Policy) Tier(c workload.Class) workload.Tier {
	if r, known := p.classes[c]; known {
		return r.policy.Tier
	}
	return workload.Revocable
}

// caps returns the caps of the power domains of a kind, by name.
func (p *Policy) caps(kind DomainKind) map[string]float64 {
	return [domainKinds]map[string]float64{p.RackCaps, p.PDUCaps, p.SiteCaps}[kind]
}

// Entry returns what is vouched for about n.
func (p *Policy) Entry(n *fleet.Node) fleet.Entry {
	if p.Registry == nil {
		return n.Entry()
	}
	return p.Registry.Find(n.Name)
}

// rank returns the place of a node among nodes of equal score, the lowest first.
// It is the same for the same seed in every process: FNV-1a, finished with the
// mixer of splitmix64 (Steele, Lea and Flood, OOPSLA'14).
func (p *Policy) rank(node string) uint64 {
	h := uint64(14695981039346656037) ^ p.Seed
	for i := 0; i < len(node); i++ {
		h = (h ^ uint64(node[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// RoomScorer is the scorer that goes by Worth.Room: nothing is learned for it where it
// does not count.
const RoomScorer = "room"

// Roomy reports whether the room of nodes counts for a class.
func (p *Policy) Roomy(c workload.Class) bool { return p.Weights.of(c, RoomScorer, 0) > 0 }
