// Package shorthand keeps values in the least room, as bytes: without pointers for the
// garbage collector to follow. How they are laid out may change with every build: it is
// for memory, never for a disk or a wire, and what is read must have been written.
package shorthand

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// Pen visits the fields of a value, to write them down or to read them again: one
// list of them says both.
type Pen struct {
	out   []byte
	in    string
	reads bool
}

// Writer returns a Pen that appends to out.
func Writer(out []byte) Pen { return Pen{out: out} }

// Reader returns a Pen that reads from the front of in. Texts share its memory.
func Reader(in string) Pen { return Pen{in: in, reads: true} }

// Reads reports whether p reads.
func (p *Pen) Reads() bool { return p.reads }

// Bytes returns what was written, behind what Writer was given.
func (p *Pen) Bytes() []byte { return p.out }

// Uint is a number of 7 bits a byte, the lowest first. It returns x, or the one read.
func (p *Pen) Uint(x uint64) uint64 {
	if !p.reads {
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

// Number lets small ones of either sign be short.
func Number[N int | int32 | int64 | time.Duration](p *Pen, x *N) {
	if z := p.Uint(uint64(*x)<<1 ^ uint64(int64(*x)>>63)); p.reads {
		*x = N(z>>1) ^ -N(z&1)
	}
}

// Float lets round numbers be short: their last bits are 0.
func (p *Pen) Float(x *float64) {
	if z := p.Uint(bits.ReverseBytes64(math.Float64bits(*x))); p.reads {
		*x = math.Float64frombits(bits.ReverseBytes64(z))
	}
}

// Single takes four bytes.
func (p *Pen) Single(x *float32) {
	if p.reads {
		*x = math.Float32frombits(uint32(p.in[0]) | uint32(p.in[1])<<8 | uint32(p.in[2])<<16 | uint32(p.in[3])<<24)
		p.in = p.in[4:]
		return
	}
	p.out = binary.LittleEndian.AppendUint32(p.out, math.Float32bits(*x))
}

func (p *Pen) Singles(x *[]float32) {
	for i := range List(p, x) {
		p.Single(&(*x)[i])
	}
}

// Flags takes up to 64.
func (p *Pen) Flags(flags ...*bool) {
	var x uint64
	for i, on := range flags {
		if *on {
			x |= 1 << i
		}
	}
	if x = p.Uint(x); p.reads {
		for i, on := range flags {
			*on = x>>i&1 == 1
		}
	}
}

// Time keeps the instant, in the zone of this machine.
func (p *Pen) Time(x *time.Time) {
	seconds, rest, is := x.Unix(), x.Nanosecond(), !x.IsZero()
	if p.Flags(&is); !is {
		if p.reads {
			*x = time.Time{}
		}
		return
	}
	Number(p, &seconds)
	Number(p, &rest)
	if p.reads {
		*x = time.Unix(seconds, int64(rest))
	}
}

func Text[T ~string](p *Pen, x *T) {
	n := p.Uint(uint64(len(*x)))
	if p.reads {
		*x, p.in = T(p.in[:n]), p.in[n:]
		return
	}
	p.out = append(p.out, *x...)
}

// List returns a list as long as it is, to be filled in where it is read. An empty one
// is read as absent.
func List[T any](p *Pen, x *[]T) []T {
	n := p.Uint(uint64(len(*x)))
	if p.reads {
		*x = nil
		if n > 0 {
			*x = make([]T, n)
		}
	}
	return *x
}

func (p *Pen) Texts(x *[]string) {
	for i := range List(p, x) {
		Text(p, &(*x)[i])
	}
}

// Pairs reads an empty map as absent.
func (p *Pen) Pairs(x *map[string]string) {
	n := p.Uint(uint64(len(*x)))
	if !p.reads {
		for k, v := range *x {
			Text(p, &k)
			Text(p, &v)
		}
		return
	}
	if n > 0 {
		*x = make(map[string]string, n)
	}
	for range n {
		var k, v string
		Text(p, &k)
		Text(p, &v)
		(*x)[k] = v
	}
}
