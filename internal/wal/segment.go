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

const segmentSuffix = ".wal"

// segment is what the log knows of one file without opening it. Its records
// end where the next segment begins.
type segment struct {
	path  string
	first Position
	size  int64 // bytes known to be durable
}

func segmentPath(dir string, first Position) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// listSegments returns the segments of dir in order of position.
func listSegments(fsys FS, dir string) ([]segment, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segments []segment
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		first, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil || len(digits) != 20 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		segments = append(segments, segment{filepath.Join(dir, e.Name()), Position(first), info.Size()})
	}
	slices.SortFunc(segments, func(a, b segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return segments, nil
}

// createSegment makes an empty segment. A file of that name is the leftover of an
// earlier attempt: it holds no record, since first is still to be given out.
func createSegment(fsys FS, dir string, first Position) (seg segment, f File, salt uint32, err error) {
	seg = segment{segmentPath(dir, first), first, segmentHeaderLen}
	f, err = fsys.OpenFile(seg.path, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return segment{}, nil, 0, err
	}
	salt = rand.Uint32()
	head := make([]byte, 0, segmentHeaderLen)
	head = append(head, segmentMagic...)
	head = binary.LittleEndian.AppendUint64(head, uint64(first))
	head = binary.LittleEndian.AppendUint32(head, salt)
	head = binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	if _, err = f.WriteAt(head, 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		return segment{}, nil, 0, errors.Join(err, f.Close(), fsys.Remove(seg.path))
	}
	return seg, f, salt, nil
}

var errSegmentHeader = errors.New("segment header is damaged or of an unknown version")

// newScanner checks the header of a segment and starts behind it.
func newScanner(f io.ReaderAt, seg segment) (*scanner, error) {
	head := make([]byte, segmentHeaderLen)
	if n, err := f.ReadAt(head, 0); n < len(head) {
		if err == io.EOF {
			err = errSegmentHeader
		}
		return nil, err
	}
	if !bytes.Equal(head[:8], segmentMagic) ||
		Position(binary.LittleEndian.Uint64(head[8:])) != seg.first ||
		binary.LittleEndian.Uint32(head[20:]) != crc32.Checksum(head[:20], castagnoli) {
		return nil, errSegmentHeader
	}
	return &scanner{
		file: f, salt: binary.LittleEndian.Uint32(head[16:]),
		expect: seg.first, off: segmentHeaderLen, limit: seg.size,
	}, nil
}
