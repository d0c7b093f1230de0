package filter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// What would have to change for a node that a rule turns away: the least amount,
// and when, for an operator who must act.

var (
	_ placement.Advisor = Ready{}
	_ placement.Advisor = Maintenance{}
	_ placement.Advisor = Selector{}
	_ placement.Advisor = Taints{}
	_ placement.Advisor = Dedication{}
	_ placement.Advisor = Security{}
	_ placement.Advisor = Jurisdiction{}
	_ placement.Advisor = Tenancy{}
	_ placement.Advisor = Locality{}
	_ placement.Advisor = Data{}
	_ placement.Advisor = Accelerator{}
	_ placement.Advisor = Requested{}
	_ placement.Advisor = Predicted{}
	_ placement.Advisor = Power{}
)

// advice collects lines.
type advice []string

func (a *advice) add(format string, args ...any) { *a = append(*a, fmt.Sprintf(format, args...)) }

func (Ready) Advise(_ *placement.Query, b *placement.Block, i int) []string {
	var a advice
	if b.Draining>>i&1 == 1 {
		a.add("end its drain")
	}
	if b.Silent>>i&1 == 1 {
		a.add("bring its agent back: no heartbeat arrives")
	}
	return a
}

func (Maintenance) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	for _, w := range b.Node[i].Maintenance {
		if w.Overlaps(q.Stay) {
			a.add("move its maintenance of %s to %s out of the time until %s", clock(w.From), clock(w.Until), clock(q.Stay.Until))
		}
	}
	return a
}

func (Selector) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	labels := b.Node[i].Labels
	for _, k := range slices.Sorted(maps.Keys(q.Workload.Selector)) {
		if want := q.Workload.Selector[k]; labels[k] != want {
			a.add("label the node %s=%s (it has %s), or drop that from the selector", k, want, labelled(labels, k))
		}
	}
	for _, r := range q.Workload.Requirements {
		if !r.Met(labels) {
			a.add("label the node so that %s %s %s (it has %s), or drop the requirement", r.Key, r.Operator, strings.Join(r.Values, ","), labelled(labels, r.Key))
		}
	}
	return a
}

func labelled(labels map[string]string, key string) string {
	if v, has := labels[key]; has {
		return key + "=" + v
	}
	return "no " + key
}

func (Taints) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	for _, t := range b.Node[i].Taints {
		if t.Effect == fleet.NoSchedule && !workload.Tolerates(q.Workload.Tolerations, t.Key, t.Value) {
			a.add("tolerate the taint %s", pair(t.Key, t.Value))
		}
	}
	return a
}

func (Dedication) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	if b.Reserved>>i&1 == 0 || meant(q.State.Dedications[b.Dedicated[i]], q.Workload) {
		return nil
	}
	d := q.State.Dedications[b.Dedicated[i]]
	if d.Tenant != "" && d.Tenant != q.Workload.Security.Tenant {
		a.add("it is kept for tenant %s: open it to others", d.Tenant)
	}
	if d.Queue != "" {
		a.add("it is kept for queue %s: submit there, or open it to others", d.Queue)
	}
	return a
}

func (Security) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	need, node := q.Workload.Security, b.Node[i]
	if int(b.Level[i]) < need.Level {
		a.add("clear the node for level %d in the registry (it has %d)", need.Level, b.Level[i])
	}
	for k, wanted := range q.State.Compartments(need.Compartments) {
		if !slices.Contains(b.Compartments[i], wanted) {
			a.add("give the node compartment %s in the registry", need.Compartments[k])
		}
	}
	if need.Attested && b.Attested>>i&1 == 0 {
		a.add("attest %s", node.Name)
	}
	return a
}

func (Jurisdiction) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	countries := q.Workload.Security.Countries
	at := q.State.Places[b.Place[i]]
	switch country := q.State.Policy.Country(at); {
	case len(countries) == 0 || slices.Contains(countries, country):
	case country == "":
		a.add("say in regions under which country's law region %s stands (unknown, so it is none of %s)", cmp.Or(at.Region, "(none)"), strings.Join(countries, ", "))
	default:
		a.add("allow the country %s beside %s", country, strings.Join(countries, ", "))
	}
	return a
}

func (Tenancy) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	others := 0
	for _, m := range b.Occupants[i].Members {
		s := m.Workload().Security
		if s.Tenant != q.Workload.Security.Tenant && (s.Exclusive || q.Workload.Security.Exclusive) {
			others++
		}
	}
	if others > 0 {
		a.add("move away %d workloads of other tenants", others)
	}
	return a
}

func (Locality) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	want, at := q.Workload.Locality.Required, q.State.Places[b.Place[i]]
	for _, l := range []struct {
		what string
		list []string
		have string
	}{
		{"provider", want.Providers, at.Provider}, {"region", want.Regions, at.Region}, {"zone", want.Zones, at.Zone},
		{"rack", want.Racks, at.Rack}, {"node", want.Nodes, b.Node[i].Name},
	} {
		if len(l.list) > 0 && !slices.Contains(l.list, l.have) {
			a.add("allow %s %s beside %s", l.what, cmp.Or(l.have, "(none)"), strings.Join(l.list, ", "))
		}
	}
	return a
}

func (Data) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	for _, near := range nearness {
		for k := range q.Workload.Data {
			d := &q.Workload.Data[k]
			if !d.Required || d.Near() != near.level {
				continue
			}
			if set := reach(q.State, q.State.DataSet(d.Name), near.distance); !set.within(b, i) {
				a.add("put a replica of %s in its %s", d.Name, near.level)
			}
		}
	}
	return a
}

func (Accelerator) Advise(q *placement.Query, b *placement.Block, i int) []string {
	need := q.Accelerator
	if need.Devices == 0 {
		return nil
	}
	var a advice
	suitable, ofModel := b.CanSelect(i, need, q.Models)
	switch {
	case suitable:
	case !ofModel && len(q.Workload.Accelerator.Models) > 0:
		a.add("allow another model than %s, or another node: it has too few of these", strings.Join(q.Workload.Accelerator.Models, ", "))
	case !ofModel:
		a.add("ask for fewer devices than %d: it has %d", need.Devices, len(b.Node[i].Devices))
	default:
		a.add("free %g of a device and %s of its memory on %d devices",
			float64(need.Share)/placement.WholeDevice, resource.FormatAmount(resource.GPUMemory, float64(need.Memory)), need.Devices)
	}
	return a
}

func (Requested) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	for k := range q.Needs {
		n := &q.Needs[k]
		if n.Request <= 0 {
			continue
		}
		if n.Index < 0 {
			a.add("no node has %s", n.Resource)
			continue
		}
		amount := func(x float64) string { return resource.FormatAmount(n.Resource, x) }
		capacity, held := b.Capacity[n.Index][i], b.Columns[n.Index].Requested[i]
		switch {
		case n.Request > capacity*rounding:
			a.add("ask for %s less %s: the node has %s in all", amount(n.Request-capacity), n.Resource, amount(capacity))
		case promised(n.Resource, q) && held+n.Request > capacity*rounding:
			a.add("free %s of requested %s: %s of %s are promised, %s asked for", amount(held+n.Request-capacity), n.Resource, amount(held), amount(capacity), amount(n.Request))
		}
	}
	return a
}

func (Predicted) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	slots := q.State.Grid.Slots
	for k := range q.Needs {
		n := &q.Needs[k]
		if n.Index < 0 || n.Limit == 0 {
			continue
		}
		load := q.Load(n)
		if load.Fits(b, i, slots) {
			continue
		}
		excess, slot := load.Over(b, i, slots)
		amount := func(x float64) string { return resource.FormatAmount(n.Resource, x) }
		capacity := b.Capacity[n.Index][i]
		a.add("free %s of %s by %s: the predicted peak is %s of %s there", amount(excess), n.Resource, clock(q.SlotTime(slot)), amount(capacity+excess), amount(capacity))
	}
	return a
}

func (Power) Advise(q *placement.Query, b *placement.Block, i int) []string {
	if b.Powered>>i&1 == 0 {
		return nil
	}
	var a advice
	var buffer [maxSlots]float32
	d := draw{cpu: q.Need(resource.CPU), query: q}
	after := d.with(q.State, b, i, &buffer)
	// over adds a line where draw exceeds a cap, by slot.
	over := func(whose string, limit int64, drawn func(t int) int64) {
		most, at := int64(0), 0
		for t := range after {
			if excess := drawn(t) - limit; excess > most {
				most, at = excess, t
			}
		}
		if most > 0 {
			a.add("raise the power cap of %s by %.0f W, or free as much by %s: %.0f of %.0f W are predicted there",
				whose, float64(most)/1e6, clock(q.SlotTime(at)), float64(limit+most)/1e6, float64(limit)/1e6)
		}
	}
	if limit := b.CapWatts[i]; limit > 0 {
		over("node "+b.Node[i].Name, placement.Microwatts(limit), func(t int) int64 { return placement.Microwatts(after[t]) })
	}
	before := b.Watts(i, q.State.Grid.Slots)
	for _, at := range b.Feeds[i] {
		if at < 0 || q.State.Domains[at].Cap == 0 {
			continue
		}
		domain := q.State.Domains[at]
		over([...]string{"rack", "PDU", "site"}[domain.Kind]+" "+domain.Name, domain.Cap, func(t int) int64 {
			return domain.Watts[t] - placement.Microwatts(before[t]) + placement.Microwatts(after[t])
		})
	}
	return a
}

func clock(t time.Time) string { return t.UTC().Format("Jan 2 15:04") }

func pair(k, v string) string {
	if v == "" {
		return k
	}
	return k + "=" + v
}
