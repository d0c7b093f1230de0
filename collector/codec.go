package collector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// A sample on disk:
//
//	version   1 byte
//	time      varint, milliseconds since 1970
//	key       workload, app, class, queue, node, source: each uvarint length and bytes
//	usage     vector
//	limit     vector
//
// and a vector:
//
//	entries   uvarint
//	each      1 byte: index into codedNames, or customName followed by a name
//	          (uvarint length and bytes); then the amount, float64 little endian
const sampleVersion = 1

const customName = 0

// codedNames gives the standard resources their byte. Entries are never
// reordered, only added.
var codedNames = [...]resource.Name{
	1: resource.CPU, 2: resource.Memory, 3: resource.GPU, 4: resource.GPUMemory,
	5: resource.Disk, 6: resource.DiskIO, 7: resource.Network,
}

// appendSample encodes s, with its time cut to milliseconds.
func appendSample(b []byte, s *timeseries.Sample) []byte {
	b = append(b, sampleVersion)
	b = binary.AppendVarint(b, s.Time.UnixMilli())
	for _, text := range [...]string{s.Key.Workload, s.Key.App, string(s.Key.Class), s.Key.Queue, s.Key.Node, s.Key.Source} {
		b = appendText(b, text)
	}
	b = appendVector(b, s.Usage)
	return appendVector(b, s.Limit)
}

func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func appendVector(b []byte, v resource.Vector) []byte {
	b = binary.AppendUvarint(b, uint64(v.Len()))
	for name, amount := range v.All() {
		if code := codeOf(name); code != customName {
			b = append(b, code)
		} else {
			b = appendText(append(b, customName), string(name))
		}
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(amount))
	}
	return b
}

func codeOf(name resource.Name) byte {
	for code := 1; code < len(codedNames); code++ {
		if codedNames[code] == name {
			return byte(code)
		}
	}
	return customName
}

var (
	errShort    = errors.New("it ends too early")
	errTrailing = errors.New("bytes follow its end")
	errNumber   = errors.New("a number is malformed")
)

// decoder decodes samples. Keys repeat from sample to sample, so it keeps the
// strings it has seen.
type decoder struct {
	texts map[string]string
}

// maxTexts bounds what a decoder keeps.
const maxTexts = 1 << 16

// sample decodes one sample; it keeps nothing of b.
func (d *decoder) sample(b []byte) (s timeseries.Sample, err error) {
	r := reader{rest: b, decoder: d}
	if version := r.byte(); r.err == nil && version != sampleVersion {
		return s, fmt.Errorf("decode sample: version %d is unknown (want %d)", version, sampleVersion)
	}
	s.Time = time.UnixMilli(r.varint()).UTC()
	s.Key = timeseries.Key{
		Workload: r.text(), App: r.text(), Class: workload.Class(r.text()),
		Queue: r.text(), Node: r.text(), Source: r.text(),
	}
	s.Usage = r.vector()
	s.Limit = r.vector()
	if r.err == nil && len(r.rest) > 0 {
		r.err = errTrailing
	}
	if r.err != nil {
		return timeseries.Sample{}, fmt.Errorf("decode sample: %w", r.err)
	}
	return s, nil
}

// intern returns b as a string, the same one for the same bytes.
func (d *decoder) intern(b []byte) string {
	if text, ok := d.texts[string(b)]; ok {
		return text
	}
	if d.texts == nil || len(d.texts) >= maxTexts {
		d.texts = map[string]string{}
	}
	text := string(b)
	d.texts[text] = text
	return text
}

// reader takes fields off a record. After an error it returns zeros.
type reader struct {
	*decoder
	rest []byte
	err  error
}

func (r *reader) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.rest)) {
		r.err = errShort
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return numberOf(r, v, n)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return numberOf(r, v, n)
}

func numberOf[T int64 | uint64](r *reader, v T, n int) T {
	switch {
	case n < 0:
		r.err = errors.Join(r.err, errNumber)
	case n == 0:
		r.take(uint64(len(r.rest)) + 1)
	default:
		r.take(uint64(n))
	}
	if r.err != nil {
		return 0
	}
	return v
}

func (r *reader) text() string { return r.intern(r.take(r.uvarint())) }

func (r *reader) vector() resource.Vector {
	var v resource.Vector
	for range r.uvarint() {
		if r.err != nil {
			break
		}
		code := r.byte()
		var name resource.Name
		switch {
		case code == customName:
			name = resource.Name(r.text())
		case int(code) < len(codedNames):
			name = codedNames[code]
		default:
			r.err = fmt.Errorf("resource code %d is unknown", code)
		}
		amount := r.take(8)
		if r.err == nil {
			v = v.With(name, math.Float64frombits(binary.LittleEndian.Uint64(amount)))
		}
	}
	return v
}
