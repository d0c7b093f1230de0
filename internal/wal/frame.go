package wal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
)

// A frame, little endian:
//
//	 0  magic            4 bytes
//	 4  payload length   uint32
//	 8  first position   uint64
//	16  records          uint32
//	20  payload checksum uint32
//	24  header checksum  uint32, over the segment's salt and bytes 0..24
//	28  payload: each record as its uvarint length and its bytes
//
// The salt keeps bytes inside a record from passing for a frame when the reader
// looks for the next intact one behind a damaged one.
//
// In a segment that is used again (Options.Reuse) the header of a frame without records
// follows the last one, and the next frame goes over it: what stands there else is a
// torn or a damaged frame, be it zeros.
const frameHeaderLen = 28

var (
	frameMagic = []byte("axf1")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// saltOf returns the salt with which parseHeader takes head: a checksum run
// backwards over what it covers.
func saltOf(head []byte) uint32 {
	crc := ^binary.LittleEndian.Uint32(head[24:])
	for i := 23; i >= 0; i-- {
		b := byte(slices.IndexFunc(castagnoli[:], func(x uint32) bool { return x>>24 == crc>>24 }))
		crc = (crc^castagnoli[b])<<8 | uint32(b^head[i])
	}
	return ^crc
}

type frame struct {
	first   Position
	records int
	payload []byte // valid until the scanner moves on
}

func (f frame) end() Position { return f.first + Position(f.records) }

// appendRecord adds one record to a payload.
func appendRecord(payload, record []byte) []byte {
	payload = binary.AppendUvarint(payload, uint64(len(record)))
	return append(payload, record...)
}

// cutRecord splits the first record off a payload.
func cutRecord(payload []byte) (record, rest []byte, ok bool) {
	n, used := binary.Uvarint(payload)
	if used <= 0 || n > uint64(len(payload)-used) {
		return nil, nil, false
	}
	return payload[used : used+int(n)], payload[used+int(n):], true
}

// appendEnd adds what stands behind the frames of a segment that is used again, where
// the next record is to be of position next.
func appendEnd(buf []byte, salt uint32, next Position) []byte {
	n := len(buf)
	buf = append(buf, make([]byte, frameHeaderLen)...)
	sealFrame(buf[n:], salt, next, 0)
	return buf
}

// sealFrame fills in the header of buf, which holds room for it followed by
// the payload.
func sealFrame(buf []byte, salt uint32, first Position, records int) {
	copy(buf, frameMagic)
	payload := buf[frameHeaderLen:]
	binary.LittleEndian.PutUint32(buf[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint64(buf[8:], uint64(first))
	binary.LittleEndian.PutUint32(buf[16:], uint32(records))
	binary.LittleEndian.PutUint32(buf[20:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(buf[24:], crc32.Update(salt, castagnoli, buf[:24]))
}

// parseHeader checks a frame's header and returns the frame without payload.
func parseHeader(head []byte, salt uint32) (f frame, length int64, payloadSum uint32, ok bool) {
	if len(head) < frameHeaderLen || !bytes.Equal(head[:4], frameMagic) ||
		binary.LittleEndian.Uint32(head[24:]) != crc32.Update(salt, castagnoli, head[:24]) {
		return frame{}, 0, 0, false
	}
	f.first = Position(binary.LittleEndian.Uint64(head[8:]))
	f.records = int(binary.LittleEndian.Uint32(head[16:]))
	return f, int64(binary.LittleEndian.Uint32(head[4:])), binary.LittleEndian.Uint32(head[20:]), f.end() > f.first
}

// intact reports whether payload is what was written as that of f.
func (f frame) intact(payload []byte, sum uint32) bool {
	if crc32.Checksum(payload, castagnoli) != sum {
		return false
	}
	rest, ok := payload, true
	for range f.records {
		if _, rest, ok = cutRecord(rest); !ok {
			return false
		}
	}
	return len(rest) == 0
}

// scanner walks the intact frames of one segment.
type scanner struct {
	file   io.ReaderAt
	salt   uint32
	expect Position // the lowest position a frame may start at
	off    int64
	limit  int64 // how many bytes of the file may be read

	buf    []byte // file[bufOff : bufOff+len(buf)]
	bufOff int64
}

// next returns the next intact frame and, when bytes had to be skipped before
// it (or before the limit), where the first of them stands; -1 otherwise. At the
// limit the error is io.EOF; any other is a failure to read.
func (s *scanner) next() (f frame, damagedAt int64, err error) {
	damagedAt = -1
	for s.off < s.limit {
		f, ok, err := s.here()
		if err != nil {
			return frame{}, damagedAt, err
		}
		if ok {
			s.off += frameHeaderLen + int64(len(f.payload))
			s.expect = f.end()
			return f, damagedAt, nil
		}
		if damagedAt < 0 {
			damagedAt = s.off
		}
		if err := s.resync(); err != nil {
			return frame{}, damagedAt, err
		}
	}
	return frame{}, damagedAt, io.EOF
}

// here returns the intact frame at the scanner's offset; false for none.
func (s *scanner) here() (frame, bool, error) {
	head, err := s.peek(frameHeaderLen)
	if err != nil {
		return frame{}, false, err
	}
	f, length, sum, ok := parseHeader(head, s.salt)
	size := frameHeaderLen + length
	if !ok || f.first < s.expect || s.off+size > s.limit {
		return frame{}, false, nil
	}
	whole, err := s.peek(size)
	if err != nil || int64(len(whole)) < size || !f.intact(whole[frameHeaderLen:], sum) {
		return frame{}, false, err
	}
	f.payload = whole[frameHeaderLen:]
	return f, true, nil
}

// broken reports whether there is something at off, where frames end, that is no
// frame: what is left of a write, or a frame that was damaged. One that is whole was
// written since the scanner came by.
func (s *scanner) broken(off int64) (bool, error) {
	now := &scanner{file: s.file, salt: s.salt, expect: s.expect, off: off, limit: s.limit}
	head, err := now.peek(frameHeaderLen)
	if err != nil || bytes.Equal(head, appendEnd(nil, s.salt, s.expect)) {
		return false, err
	}
	_, whole, err := now.here()
	return !whole, err
}

// resync moves on to the next place that looks like the start of a frame, or to
// the limit. A damaged frame's own length is not trusted.
func (s *scanner) resync() error {
	for s.off++; s.off < s.limit; {
		b, err := s.peek(readAhead)
		if err != nil {
			return err
		}
		if i := bytes.Index(b, frameMagic); i >= 0 {
			s.off += int64(i)
			return nil
		}
		// The magic may begin in the last bytes of b.
		s.off += int64(max(len(b)-len(frameMagic)+1, 1))
	}
	return nil
}

const readAhead = 256 << 10

// peek returns n bytes at the scanner's offset, fewer at the limit.
func (s *scanner) peek(n int64) ([]byte, error) {
	n = min(n, s.limit-s.off)
	if s.off < s.bufOff || s.off+n > s.bufOff+int64(len(s.buf)) {
		size := min(max(n, readAhead), s.limit-s.off)
		if int64(cap(s.buf)) < size {
			s.buf = make([]byte, size)
		}
		s.buf = s.buf[:size]
		got, err := s.file.ReadAt(s.buf, s.off)
		if err != nil && err != io.EOF {
			s.buf = s.buf[:0]
			return nil, err
		}
		if int64(got) < size { // the file is shorter than it was
			s.limit = s.off + int64(got)
			s.buf = s.buf[:got]
			n = min(n, int64(got))
		}
		s.bufOff = s.off
	}
	at := s.off - s.bufOff
	return s.buf[at : at+n], nil
}
