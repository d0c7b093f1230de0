package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment file starts with
//
//	 0  magic and version 8 bytes
//	 8  first position    uint64
//	16  salt              uint32
//	20  checksum          uint32, over bytes 0..20
const segmentHeaderLen = 24

var segmentMagic = []byte("axwal\x00\x00\x01")

const (
	segmentSuffix = ".wal"
	spareSuffix   = ".spare" // of a file that may become a segment
)

// segment is what the log knows of one file without opening it. Its records
// end where the next segment begins.
type segment struct {
	path  string
	first Position
	size  int64 // bytes known to be durable

	// The positions up to the next segment are a bound on what it holds, since
	// it was found unreadable before there was a next one.
	bound bool
}

func segmentPath(dir string, first Position) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// listSegments returns the segments of dir in order of position, and the files that
// may become one.
func listSegments(fsys FS, dir string) (segments []segment, spares []string, err error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), spareSuffix) {
			spares = append(spares, filepath.Join(dir, e.Name()))
		}
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		first, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil || len(digits) != 20 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, nil, err
		}
		segments = append(segments, segment{path: filepath.Join(dir, e.Name()), first: Position(first), size: info.Size()})
	}
	slices.SortFunc(segments, func(a, b segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	for i := range segments[:max(len(segments)-1, 0)] {
		// Records take more than a byte each with their frame, so that no
		// segment holds as many as it has bytes.
		span := segments[i+1].first - segments[i].first
		segments[i].bound = span == segments[i].boundLen()
	}
	return segments, spares, nil
}

// boundLen is the number of positions set aside for a segment that cannot be
// read: as many as it can have held, or one to report it by where its bytes say
// nothing.
func (s segment) boundLen() Position {
	if s.size <= segmentHeaderLen {
		return 1
	}
	return Position(s.size)
}

// createSegment makes an empty segment. It gets its name with its header whole,
// so that a segment without one is damaged and not merely torn. A file of that
// name is the leftover of an earlier attempt: it holds no record, since first is
// still to be given out. The file is a spare one, where that is not "", with the
// frames it held: the salt is another, and so they are none of the segment's. A new
// one is filled with zeros up to a size.
func createSegment(fsys FS, dir string, first Position, spare string, fill int64) (seg segment, f File, salt uint32, err error) {
	seg = segment{path: segmentPath(dir, first), first: first, size: segmentHeaderLen}
	unnamed, flag := spare, os.O_RDWR
	if spare == "" {
		unnamed, flag = filepath.Join(dir, "next.tmp"), os.O_CREATE|os.O_TRUNC|os.O_RDWR
	}
	f, err = fsys.OpenFile(unnamed, flag)
	if err != nil {
		return segment{}, nil, 0, err
	}
	if spare == "" && fill > 0 && zero(f, fill) != nil {
		// There is less room than that, or none: what is appended will show.
		if err := f.Truncate(0); err != nil {
			return segment{}, nil, 0, errors.Join(err, f.Close(), fsys.Remove(unnamed))
		}
	}
	salt = rand.Uint32()
	head := make([]byte, 0, segmentHeaderLen+frameHeaderLen)
	head = append(head, segmentMagic...)
	head = binary.LittleEndian.AppendUint64(head, uint64(first))
	head = binary.LittleEndian.AppendUint32(head, salt)
	head = binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	if spare != "" || fill > 0 {
		head = appendEnd(head, salt, first)
	}
	if _, err = f.WriteAt(head, 0); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return segment{}, nil, 0, errors.Join(err, f.Close(), fsys.Remove(unnamed))
	}
	if err = fsys.Rename(unnamed, seg.path); err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		return segment{}, nil, 0, errors.Join(err, f.Close())
	}
	return seg, f, salt, nil
}

// zero writes zeros up to size.
func zero(f File, size int64) error {
	zeros := make([]byte, min(size, 1<<20))
	for off := int64(0); off < size; off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(size-off, int64(len(zeros)))], off); err != nil {
			return err
		}
	}
	return nil
}

var errSegmentHeader = errors.New("segment header is damaged or of an unknown version")

// newScanner checks the header of a segment and starts behind it. Where the
// header is damaged and the frames behind it are not, it reads those: whole is
// then false.
func newScanner(f io.ReaderAt, seg segment) (scan *scanner, whole bool, err error) {
	head := make([]byte, segmentHeaderLen+frameHeaderLen)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	if n < segmentHeaderLen {
		return nil, false, errSegmentHeader
	}
	head = head[:n]
	start := func(salt uint32) *scanner {
		return &scanner{file: f, salt: salt, expect: seg.first, off: segmentHeaderLen, limit: seg.size}
	}
	salts := []uint32{binary.LittleEndian.Uint32(head[16:])}
	if binary.LittleEndian.Uint32(head[20:]) == crc32.Checksum(head[:20], castagnoli) {
		if !bytes.Equal(head[:8], segmentMagic) || Position(binary.LittleEndian.Uint64(head[8:])) != seg.first {
			return nil, false, errSegmentHeader // of another version, or in the wrong place
		}
		return start(salts[0]), true, nil
	}
	// The frame right behind the header is no record's bytes, so its salt can
	// be trusted.
	if n == segmentHeaderLen+frameHeaderLen {
		salts = append(salts, saltOf(head[segmentHeaderLen:]))
	}
	for _, salt := range salts {
		switch _, _, err := start(salt).next(); {
		case err == nil:
			return start(salt), false, nil
		case err != io.EOF:
			return nil, false, err
		}
	}
	return nil, false, errSegmentHeader
}
