package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/auspex-project/auspex/resource"
)

// writer appends numbered fields in the wire format of protocol buffers. What is
// zero or empty is left out.
type writer struct{ b []byte }

func (w *writer) uint(field protowire.Number, x uint64) {
	if x != 0 {
		w.b = protowire.AppendVarint(protowire.AppendTag(w.b, field, protowire.VarintType), x)
	}
}

func (w *writer) int(field protowire.Number, x int64) { w.uint(field, protowire.EncodeZigZag(x)) }

func (w *writer) flag(field protowire.Number, x bool) {
	if x {
		w.uint(field, 1)
	}
}

func (w *writer) float(field protowire.Number, x float64) {
	if x != 0 {
		w.b = protowire.AppendFixed64(protowire.AppendTag(w.b, field, protowire.Fixed64Type), math.Float64bits(x))
	}
}

func (w *writer) floats(field protowire.Number, list []float64) {
	w.message(field, func(w *writer) {
		for _, x := range list {
			w.b = protowire.AppendFixed64(w.b, math.Float64bits(x))
		}
	})
}

func (w *writer) text(field protowire.Number, s string) {
	if s != "" {
		w.b = protowire.AppendString(protowire.AppendTag(w.b, field, protowire.BytesType), s)
	}
}

func (w *writer) texts(field protowire.Number, list []string) {
	for _, s := range list {
		w.b = protowire.AppendString(protowire.AppendTag(w.b, field, protowire.BytesType), s)
	}
}

// message appends what body writes, its length in front.
func (w *writer) message(field protowire.Number, body func(*writer)) {
	w.b = append(protowire.AppendTag(w.b, field, protowire.BytesType), 0)
	start := len(w.b)
	body(w)
	size := len(w.b) - start
	if extra := protowire.SizeVarint(uint64(size)) - 1; extra > 0 {
		w.b = append(w.b, make([]byte, extra)...)
		copy(w.b[start+extra:], w.b[start:start+size])
	}
	binary.PutUvarint(w.b[start-1:], uint64(size))
}

// The fields of a pair: of a map, or of a taint or toleration.
const (
	pairKey = iota + 1
	pairValue
)

func (w *writer) pair(field protowire.Number, key, value string) {
	w.message(field, func(w *writer) {
		w.text(pairKey, key)
		w.text(pairValue, value)
	})
}

func (w *writer) pairs(field protowire.Number, m map[string]string) {
	switch len(m) {
	case 0:
	case 1:
		for k, v := range m {
			w.pair(field, k, v)
		}
	default:
		for _, k := range slices.Sorted(maps.Keys(m)) {
			w.pair(field, k, m[k])
		}
	}
}

// vector appends amounts as pairs of a name and a number. One that is not empty
// is told from one that is.
func (w *writer) vector(field protowire.Number, v *resource.Vector) {
	if v.Len() == 0 {
		return
	}
	w.message(field, func(w *writer) {
		for n, x := range v.All() {
			w.b = protowire.AppendFixed64(protowire.AppendString(w.b, string(n)), math.Float64bits(x))
		}
	})
}

// time appends seconds and nanoseconds since 1970, nothing for the zero time.
func (w *writer) time(field protowire.Number, t time.Time) {
	if t.IsZero() {
		return
	}
	w.message(field, func(w *writer) {
		w.b = protowire.AppendVarint(w.b, protowire.EncodeZigZag(t.Unix()))
		w.b = protowire.AppendVarint(w.b, uint64(t.Nanosecond()))
	})
}

// reader reads what a writer wrote, field by field. The first fault ends it.
type reader struct {
	b      []byte
	fault  *error // shared by the messages inside; nil before the first of either
	field  protowire.Number
	kind   protowire.Type
	number uint64 // value of a field that is a number
	bytes  []byte // value of one that is not
}

var (
	errCut   = errors.New("cut short or malformed")
	errValue = errors.New("a field is of another type")
)

func (r *reader) fail(err error) {
	if r.fault == nil {
		r.fault = new(error)
	}
	if *r.fault == nil {
		*r.fault = err
	}
}

func (r *reader) err() error {
	if r.fault == nil {
		return nil
	}
	return *r.fault
}

// next reads the next field, false at the end or after a fault.
func (r *reader) next() bool {
	if len(r.b) == 0 || r.err() != nil {
		return false
	}
	field, kind, n := protowire.ConsumeTag(r.b)
	if n < 0 {
		r.fail(errCut)
		return false
	}
	r.field, r.kind, r.b = field, kind, r.b[n:]
	switch kind {
	case protowire.VarintType:
		r.number, n = protowire.ConsumeVarint(r.b)
	case protowire.Fixed64Type:
		r.number, n = protowire.ConsumeFixed64(r.b)
	case protowire.BytesType:
		r.bytes, n = protowire.ConsumeBytes(r.b)
	default:
		n = -1
	}
	if n < 0 {
		r.fail(errCut)
		return false
	}
	r.b = r.b[n:]
	return true
}

// unknown is for a field this program has never heard of: leaving it out could
// place what it forbids.
func (r *reader) unknown() {
	r.fail(fmt.Errorf("field %d is unknown: it was written by a newer program", r.field))
}

func (r *reader) expect(kind protowire.Type) bool {
	if r.kind != kind {
		r.fail(errValue)
	}
	return r.kind == kind
}

func (r *reader) uint() uint64 {
	if !r.expect(protowire.VarintType) {
		return 0
	}
	return r.number
}

func (r *reader) int() int64 { return protowire.DecodeZigZag(r.uint()) }
func (r *reader) flag() bool { return r.uint() != 0 }

// count is int for what must fit 32 bits.
func (r *reader) count() int {
	x := r.int()
	if x != int64(int32(x)) {
		r.fail(fmt.Errorf("%d is out of range", x))
		return 0
	}
	return int(x)
}

func (r *reader) float() float64 {
	if !r.expect(protowire.Fixed64Type) {
		return 0
	}
	return math.Float64frombits(r.number)
}

func (r *reader) floats() (list []float64) {
	if !r.expect(protowire.BytesType) {
		return nil
	}
	if len(r.bytes)%8 != 0 {
		r.fail(errCut)
		return nil
	}
	for b := r.bytes; len(b) > 0; b = b[8:] {
		bits, _ := protowire.ConsumeFixed64(b)
		list = append(list, math.Float64frombits(bits))
	}
	return list
}

func (r *reader) text() string {
	if !r.expect(protowire.BytesType) {
		return ""
	}
	return string(r.bytes)
}

// message returns a reader of the fields inside.
func (r *reader) message() *reader {
	if r.fault == nil {
		r.fault = new(error)
	}
	inner := &reader{fault: r.fault}
	if r.expect(protowire.BytesType) {
		inner.b = r.bytes
	}
	return inner
}

func (r *reader) pair() (key, value string) {
	in := r.message()
	for in.next() {
		switch in.field {
		case pairKey:
			key = in.text()
		case pairValue:
			value = in.text()
		default:
			in.unknown()
		}
	}
	return key, value
}

// pairTo adds a pair to a map, making it where it is nil.
func (r *reader) pairTo(m *map[string]string) {
	if *m == nil {
		*m = make(map[string]string)
	}
	k, v := r.pair()
	(*m)[k] = v
}

func (r *reader) vector() (v resource.Vector) {
	if !r.expect(protowire.BytesType) {
		return v
	}
	for b := r.bytes; len(b) > 0; {
		name, n := protowire.ConsumeString(b)
		if n < 0 {
			r.fail(errCut)
			return v
		}
		bits, m := protowire.ConsumeFixed64(b[n:])
		if m < 0 {
			r.fail(errCut)
			return v
		}
		if err := resource.Name(name).Validate(); err != nil {
			r.fail(err)
			return v
		}
		v, b = v.With(resource.Name(name), math.Float64frombits(bits)), b[n+m:]
	}
	return v
}

func (r *reader) time() time.Time {
	if !r.expect(protowire.BytesType) {
		return time.Time{}
	}
	seconds, n := protowire.ConsumeVarint(r.bytes)
	if n < 0 {
		r.fail(errCut)
		return time.Time{}
	}
	nanos, m := protowire.ConsumeVarint(r.bytes[n:])
	if m < 0 || n+m != len(r.bytes) || nanos >= 1e9 {
		r.fail(errCut)
		return time.Time{}
	}
	return time.Unix(protowire.DecodeZigZag(seconds), int64(nanos)).UTC()
}
