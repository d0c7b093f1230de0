package placement

import (
	"hash/maphash"
	"math"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// hash returns a number that is the same for queries of one shape. Whatever tells
// shapes apart is mixed in, but of a forecast what differs where others do: of two
// shapes with one number only one is kept.
func (c *shapes) hash(q *Query) uint64 {
	h := hash{c.seed, 0}
	h.text(string(q.Policy.Class))
	h.workload(q.Workload)
	h.forecast(q.Forecast)
	return h.sum
}

type hash struct {
	seed maphash.Seed
	sum  uint64
}

// workload mixes in all of w but its id.
func (h *hash) workload(w *workload.Workload) {
	for _, text := range [...]string{w.App, string(w.Class), w.Queue, w.Owner, w.RunsOn} {
		h.text(text)
	}
	h.amounts(w.Requests)
	h.amounts(w.Limits)
	h.number(uint64(w.Priority))
	h.pairs(w.Labels)
	h.texts(w.Accelerator.Models)
	h.number(uint64(w.Accelerator.Devices))
	h.number(math.Float64bits(w.Accelerator.Share))
	h.number(math.Float64bits(w.Accelerator.MemoryBytes))
	h.security(&w.Security)
	h.places(&w.Locality.Required)
	h.places(&w.Locality.Preferred)
	for _, d := range w.Data {
		h.text(d.Name)
		h.number(math.Float64bits(d.Bytes))
		h.flags(d.Required)
		h.text(string(d.Within))
	}
	h.pairs(w.Selector)
	for _, r := range w.Requirements {
		h.text(r.Key)
		h.text(string(r.Operator))
		h.texts(r.Values)
	}
	for _, t := range w.Tolerations {
		h.text(t.Key)
		h.text(t.Value)
	}
	h.topology(w)
	h.number(uint64(w.Runtime))
	// Lists of different things could else stand for each other.
	for _, n := range [...]int{len(w.Data), len(w.Requirements), len(w.Tolerations), len(w.Spread), len(w.Affinity)} {
		h.number(uint64(n))
	}
}

func (h *hash) security(s *workload.Security) {
	h.number(uint64(s.Level))
	h.texts(s.Compartments)
	h.text(s.Tenant)
	h.flags(s.Exclusive, s.Attested)
	h.texts(s.Countries)
}

func (h *hash) places(p *workload.Places) {
	for _, list := range [...][]string{p.Providers, p.Regions, p.Zones, p.Racks, p.Nodes} {
		h.texts(list)
	}
}

func (h *hash) topology(w *workload.Workload) {
	for i := range w.Spread {
		s := &w.Spread[i]
		h.text(string(s.Over))
		h.number(uint64(s.MaxSkew))
		h.flags(s.Preferred)
		h.peers(&s.Peers)
	}
	for i := range w.Affinity {
		a := &w.Affinity[i]
		h.text(string(a.Within))
		h.flags(a.Apart, a.Preferred)
		h.peers(&a.Peers)
	}
	h.number(uint64(w.MaxPerNode))
}

func (h *hash) peers(p *workload.Peers) {
	h.text(p.App)
	h.pairs(p.Labels)
}

func (h *hash) forecast(f *forecast.Forecast) {
	if f == nil {
		return
	}
	for i := range f.Demands {
		d := &f.Demands[i]
		h.text(string(d.Resource))
		h.number(uint64(math.Float32bits(d.Mean))<<32 | uint64(math.Float32bits(d.Peak)))
		h.profile(d.Profile)
	}
}

// profile mixes in values two by two.
func (h *hash) profile(values []float32) {
	for ; len(values) >= 2; values = values[2:] {
		h.number(uint64(math.Float32bits(values[0]))<<32 | uint64(math.Float32bits(values[1])))
	}
	for _, x := range values {
		h.number(uint64(math.Float32bits(x)))
	}
}

func (h *hash) number(x uint64) {
	h.sum = (h.sum ^ x) * 0x9e3779b97f4a7c15
	h.sum ^= h.sum >> 29
}

func (h *hash) text(s string) {
	if s == "" {
		h.number(1)
		return
	}
	h.number(maphash.String(h.seed, s))
}

func (h *hash) flags(flags ...bool) {
	n := uint64(1)
	for _, on := range flags {
		if n <<= 1; on {
			n++
		}
	}
	h.number(n)
}

func (h *hash) amounts(v resource.Vector) {
	for n, amount := range v.All() {
		h.text(string(n))
		h.number(math.Float64bits(amount))
	}
	h.number(uint64(v.Len()))
}

func (h *hash) texts(list []string) {
	for _, s := range list {
		h.text(s)
	}
	h.number(uint64(len(list)))
}

func (h *hash) pairs(m map[string]string) {
	sum := uint64(0) // in whatever order the map yields them
	for k, v := range m {
		pair := hash{seed: h.seed}
		pair.text(k)
		pair.text(v)
		sum += pair.sum
	}
	h.number(sum)
}
