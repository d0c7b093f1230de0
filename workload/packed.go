package workload

import (
	"github.com/auspex-project/auspex/internal/shorthand"
	"github.com/auspex-project/auspex/resource"
)

// Packed is a workload, its id apart, in the least room: a tenth of a Workload's, and
// without pointers for the garbage collector to follow. How it is laid out may change
// with every build: it is for memory, never for a disk or a wire.
type Packed string

// Pack returns w, its id apart.
func (w *Workload) Pack() Packed {
	var buffer [512]byte
	p := packer{shorthand.Writer(buffer[:0])}
	p.workload(w)
	return Packed(p.Bytes())
}

// Unpack returns what was packed, without an id. Empty lists and maps come back
// absent; texts share the memory of p.
func (p Packed) Unpack() (w Workload) {
	u := packer{shorthand.Reader(string(p))}
	u.workload(&w)
	return w
}

// In reports whether the workload is one of peers, as Peers.Match does: it unpacks no
// more than that takes.
func (p Packed) In(peers Peers) bool {
	u := packer{shorthand.Reader(string(p))}
	var app string
	shorthand.Text(&u.Pen, &app)
	if peers.App != "" && (peers.App != app || len(peers.Labels) == 0) {
		return peers.App == app
	}
	var labels map[string]string
	u.Pairs(&labels)
	return peers.match(app, labels)
}

// packer visits the fields of a workload, first those that Peers go by.
type packer struct{ shorthand.Pen }

func (p *packer) workload(w *Workload) {
	shorthand.Text(&p.Pen, &w.App)
	p.Pairs(&w.Labels)
	shorthand.Text(&p.Pen, &w.Class)
	shorthand.Text(&p.Pen, &w.Queue)
	shorthand.Text(&p.Pen, &w.Owner)
	p.amounts(&w.Requests)
	p.amounts(&w.Limits)
	shorthand.Number(&p.Pen, &w.Priority)
	p.accelerator(&w.Accelerator)
	p.security(&w.Security)
	p.locality(&w.Locality)
	for i := range shorthand.List(&p.Pen, &w.Data) {
		d := &w.Data[i]
		shorthand.Text(&p.Pen, &d.Name)
		p.Float(&d.Bytes)
		p.Flags(&d.Required)
		shorthand.Text(&p.Pen, &d.Within)
	}
	p.Pairs(&w.Selector)
	for i := range shorthand.List(&p.Pen, &w.Requirements) {
		r := &w.Requirements[i]
		shorthand.Text(&p.Pen, &r.Key)
		shorthand.Text(&p.Pen, &r.Operator)
		p.Texts(&r.Values)
	}
	for i := range shorthand.List(&p.Pen, &w.Tolerations) {
		shorthand.Text(&p.Pen, &w.Tolerations[i].Key)
		shorthand.Text(&p.Pen, &w.Tolerations[i].Value)
	}
	p.topology(w)
	shorthand.Number(&p.Pen, &w.Runtime)
	shorthand.Text(&p.Pen, &w.RunsOn)
}

func (p *packer) accelerator(a *Accelerator) {
	p.Texts(&a.Models)
	shorthand.Number(&p.Pen, &a.Devices)
	p.Float(&a.Share)
	p.Float(&a.MemoryBytes)
}

func (p *packer) security(s *Security) {
	shorthand.Number(&p.Pen, &s.Level)
	p.Texts(&s.Compartments)
	shorthand.Text(&p.Pen, &s.Tenant)
	p.Flags(&s.Exclusive, &s.Attested)
	p.Texts(&s.Countries)
}

func (p *packer) locality(l *Locality) {
	for _, places := range [...]*Places{&l.Required, &l.Preferred} {
		for _, names := range [...]*[]string{&places.Providers, &places.Regions, &places.Zones, &places.Racks, &places.Nodes} {
			p.Texts(names)
		}
	}
}

func (p *packer) topology(w *Workload) {
	for i := range shorthand.List(&p.Pen, &w.Spread) {
		s := &w.Spread[i]
		shorthand.Text(&p.Pen, &s.Over)
		shorthand.Number(&p.Pen, &s.MaxSkew)
		p.Flags(&s.Preferred)
		p.peers(&s.Peers)
	}
	for i := range shorthand.List(&p.Pen, &w.Affinity) {
		a := &w.Affinity[i]
		shorthand.Text(&p.Pen, &a.Within)
		p.Flags(&a.Apart, &a.Preferred)
		p.peers(&a.Peers)
	}
	shorthand.Number(&p.Pen, &w.MaxPerNode)
}

func (p *packer) peers(x *Peers) {
	shorthand.Text(&p.Pen, &x.App)
	p.Pairs(&x.Labels)
}

func (p *packer) amounts(x *resource.Vector) {
	n := p.Uint(uint64(x.Len()))
	if !p.Reads() {
		for name, amount := range x.All() {
			shorthand.Text(&p.Pen, &name)
			p.Float(&amount)
		}
		return
	}
	for range n {
		var name resource.Name
		var amount float64
		shorthand.Text(&p.Pen, &name)
		p.Float(&amount)
		*x = x.With(name, amount)
	}
}
