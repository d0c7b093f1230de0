package workload

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Packed is a workload, its id apart, in the least room: a tenth of a Workload's, and
// without pointers for the garbage collector to follow. How it is laid out may change
// with every build: it is for memory, never for a disk or a wire.
type Packed string

// Pack returns w, its id apart.
func (w *Workload) Pack() Packed {
	var buffer [512]byte
	p := packer{out: buffer[:0]}
	p.workload(w)
	return Packed(p.out)
}

// Unpack returns what was packed, without an id. Empty lists and maps come back
// absent; texts share the memory of p.
func (p Packed) Unpack() (w Workload) {
	u := packer{in: string(p), unpacks: true}
	u.workload(&w)
	return w
}

// packer visits the fields of a workload, to append them to out or to read them from
// the front of in: one list of them says both.
type packer struct {
	out     []byte
	in      string
	unpacks bool
}

func (p *packer) workload(w *Workload) {
	text(p, &w.App)
	text(p, &w.Class)
	text(p, &w.Queue)
	text(p, &w.Owner)
	p.amounts(&w.Requests)
	p.amounts(&w.Limits)
	number(p, &w.Priority)
	p.pairs(&w.Labels)
	p.accelerator(&w.Accelerator)
	p.security(&w.Security)
	p.locality(&w.Locality)
	for i := range list(p, &w.Data) {
		d := &w.Data[i]
		text(p, &d.Name)
		p.float(&d.Bytes)
		p.flags(&d.Required)
		text(p, &d.Within)
	}
	p.pairs(&w.Selector)
	for i := range list(p, &w.Requirements) {
		r := &w.Requirements[i]
		text(p, &r.Key)
		text(p, &r.Operator)
		p.texts(&r.Values)
	}
	for i := range list(p, &w.Tolerations) {
		text(p, &w.Tolerations[i].Key)
		text(p, &w.Tolerations[i].Value)
	}
	p.topology(w)
	number(p, &w.Runtime)
	text(p, &w.RunsOn)
}

func (p *packer) accelerator(a *Accelerator) {
	p.texts(&a.Models)
	number(p, &a.Devices)
	p.float(&a.Share)
	p.float(&a.MemoryBytes)
}

func (p *packer) security(s *Security) {
	number(p, &s.Level)
	p.texts(&s.Compartments)
	text(p, &s.Tenant)
	p.flags(&s.Exclusive, &s.Attested)
	p.texts(&s.Countries)
}

func (p *packer) locality(l *Locality) {
	for _, places := range [...]*Places{&l.Required, &l.Preferred} {
		for _, names := range [...]*[]string{&places.Providers, &places.Regions, &places.Zones, &places.Racks, &places.Nodes} {
			p.texts(names)
		}
	}
}

func (p *packer) topology(w *Workload) {
	for i := range list(p, &w.Spread) {
		s := &w.Spread[i]
		text(p, &s.Over)
		number(p, &s.MaxSkew)
		p.flags(&s.Preferred)
		p.peers(&s.Peers)
	}
	for i := range list(p, &w.Affinity) {
		a := &w.Affinity[i]
		text(p, &a.Within)
		p.flags(&a.Apart, &a.Preferred)
		p.peers(&a.Peers)
	}
	number(p, &w.MaxPerNode)
}

func (p *packer) peers(x *Peers) {
	text(p, &x.App)
	p.pairs(&x.Labels)
}

// uint is a number of 7 bits a byte, the lowest first.
func (p *packer) uint(x uint64) uint64 {
	if !p.unpacks {
		p.out = binary.AppendUvarint(p.out, x)
		return x
	}
	x = 0
	for i := 0; ; i++ {
		b := p.in[i]
		x |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			p.in = p.in[i+1:]
			return x
		}
	}
}

// number lets small ones of either sign be short.
func number[N int | int32 | time.Duration](p *packer, x *N) {
	if z := p.uint(uint64(*x)<<1 ^ uint64(int64(*x)>>63)); p.unpacks {
		*x = N(z>>1) ^ -N(z&1)
	}
}

// float lets round numbers be short: their last bits are 0.
func (p *packer) float(x *float64) {
	if z := p.uint(bits.ReverseBytes64(math.Float64bits(*x))); p.unpacks {
		*x = math.Float64frombits(bits.ReverseBytes64(z))
	}
}

func (p *packer) flags(flags ...*bool) {
	var x uint64
	for i, on := range flags {
		if *on {
			x |= 1 << i
		}
	}
	if x = p.uint(x); p.unpacks {
		for i, on := range flags {
			*on = x>>i&1 == 1
		}
	}
}

func text[T ~string](p *packer, x *T) {
	n := p.uint(uint64(len(*x)))
	if p.unpacks {
		*x, p.in = T(p.in[:n]), p.in[n:]
		return
	}
	p.out = append(p.out, *x...)
}

// list returns a list as long as it is, to be filled in where it is unpacked.
func list[T any](p *packer, x *[]T) []T {
	n := p.uint(uint64(len(*x)))
	if p.unpacks && n > 0 {
		*x = make([]T, n)
	}
	return *x
}

func (p *packer) texts(x *[]string) {
	for i := range list(p, x) {
		text(p, &(*x)[i])
	}
}

func (p *packer) pairs(x *map[string]string) {
	n := p.uint(uint64(len(*x)))
	if !p.unpacks {
		for k, v := range *x {
			text(p, &k)
			text(p, &v)
		}
		return
	}
	if n > 0 {
		*x = make(map[string]string, n)
	}
	for range n {
		var k, v string
		text(p, &k)
		text(p, &v)
		(*x)[k] = v
	}
}

func (p *packer) amounts(x *resource.Vector) {
	n := p.uint(uint64(x.Len()))
	if !p.unpacks {
		for name, amount := range x.All() {
			text(p, &name)
			p.float(&amount)
		}
		return
	}
	for range n {
		var name resource.Name
		var amount float64
		text(p, &name)
		p.float(&amount)
		*x = x.With(name, amount)
	}
}
