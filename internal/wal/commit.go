package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// group is the records of appends that become durable together, as one frame.
type group struct {
	buf     []byte // room for the frame's header, then the payload
	records int

	done  chan struct{} // closed when first and err are set
	first Position
	err   error
}

func newGroup(buf []byte) *group {
	return &group{buf: append(buf[:0], make([]byte, frameHeaderLen)...), done: make(chan struct{})}
}

// tail is the end of the last segment, where frames are written.
type tail struct {
	file   File // nil: the next append begins a segment
	salt   uint32
	torn   bool   // bytes of a failed write may stand behind the last frame
	spare  []byte // a buffer for the next group
	closed bool
	spares []string // files that may become segments, with Options.Reuse

	// A spare in the making, a piece at a time.
	filling File // nil for none
	filled  int64
	zeros   []byte // a piece of them
	owed    int64  // bytes appended since the last piece
}

// join adds records to the pending group and returns it with their offset in
// it, or -1 when the group has no room and must be committed first.
func (l *Log) join(records [][]byte, size int) (g *group, offset int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g = l.mu.pending
	if g.records > 0 && len(g.buf)+size > maxGroupBytes {
		return g, -1
	}
	offset = g.records
	for _, r := range records {
		g.buf = appendRecord(g.buf, r)
	}
	g.records += len(records)
	return g, offset
}

// company is how many records need no others to join them before their sync. On a
// busy machine whoever yields may wait until everything else has had its turn: for a
// few that saves syncs, for many it would only make them late.
const company = 16

// commit makes g durable, unless another leader has done so. The caller holds
// the turn.
func (l *Log) commit(g *group) {
	select {
	case <-g.done:
		return
	default:
	}
	l.mu.Lock()
	if g.records < company {
		l.mu.Unlock()
		runtime.Gosched() // those about to append join rather than wait for the next sync
		l.mu.Lock()
	}
	l.mu.pending = newGroup(l.tail.spare)
	l.mu.Unlock()
	g.first, g.err = l.write(g)
	l.tail.spare = nil
	if cap(g.buf) <= 2*maxGroupBytes {
		l.tail.spare = g.buf
	}
	close(g.done)
	if g.err == nil {
		l.provide(int64(len(g.buf)))
	}
}

// fillPieces is in how many pieces a spare is filled: the sync of one must not be
// felt.
const fillPieces = 16

// provide fills a piece of the next segment for every half of one appended, where
// no spare is left, so that none has to be made when the last one is full. It does so
// at best: what goes wrong here shows when the segment is made.
func (l *Log) provide(appended int64) {
	if !l.opts.Reuse || len(l.tail.spares) > 0 {
		return
	}
	piece := l.opts.SegmentBytes / fillPieces
	if l.tail.owed += appended; l.tail.owed < piece/2 {
		return
	}
	l.tail.owed = 0
	path := filepath.Join(l.dir, "filling.tmp")
	if l.tail.filling == nil {
		f, err := l.opts.FS.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
		if err != nil {
			return
		}
		l.tail.filling, l.tail.filled = f, 0
	}
	n := min(piece, l.opts.SegmentBytes-l.tail.filled)
	if l.tail.zeros == nil {
		l.tail.zeros = make([]byte, piece)
	}
	_, err := l.tail.filling.WriteAt(l.tail.zeros[:n], l.tail.filled)
	if err == nil {
		err = l.tail.filling.Sync()
	}
	if l.tail.filled += n; err == nil && l.tail.filled < l.opts.SegmentBytes {
		return
	}
	l.tail.filling.Close()
	l.tail.filling = nil
	spare := filepath.Join(l.dir, "filled"+spareSuffix)
	if err == nil {
		err = l.opts.FS.Rename(path, spare)
	}
	if err != nil {
		l.opts.FS.Remove(path) // the room is wanted
		return
	}
	l.tail.spares = append(l.tail.spares, spare)
}

// write puts g behind the last frame: room within the bound, a segment with
// space, the bytes, the fsync, and only then the new end.
func (l *Log) write(g *group) (Position, error) {
	if l.tail.closed {
		return 0, ErrClosed
	}
	lost, err := l.makeRoom(int64(len(g.buf)))
	if l.opts.Dropped != nil {
		for _, r := range lost {
			l.opts.Dropped(r)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("append to log %s: %w", l.dir, err)
	}
	if err := l.rotate(); err != nil {
		return 0, fmt.Errorf("append to log %s: begin a segment: %w", l.dir, err)
	}
	last := &l.mu.segments[len(l.mu.segments)-1]
	first := l.mu.end // only the holder of the turn changes it
	sealFrame(g.buf, l.tail.salt, first, g.records)
	if err := l.repair(last.size); err != nil {
		return 0, fmt.Errorf("append to log: cut a failed write off %s: %w", last.path, err)
	}
	size := int64(len(g.buf))
	if l.opts.Reuse {
		g.buf = appendEnd(g.buf, l.tail.salt, first+Position(g.records))
	}
	_, err = l.tail.file.WriteAt(g.buf, last.size)
	if err == nil {
		err = l.tail.file.Sync()
	}
	if err != nil {
		// Best effort; the next append tries again before it writes.
		l.tail.torn = true
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = &fs.PathError{Op: at.Op, Path: last.path, Err: at.Err} // it was opened by another name
		}
		return 0, errors.Join(fmt.Errorf("append to log: %w", err), l.repair(last.size))
	}
	l.mu.Lock()
	last.size += size
	l.mu.end += Position(g.records)
	if l.mu.grown != nil {
		close(l.mu.grown)
		l.mu.grown = nil
	}
	l.mu.Unlock()
	return first, nil
}

// repair cuts what a failed write may have left behind the last frame.
func (l *Log) repair(size int64) error {
	if !l.tail.torn {
		return nil
	}
	if err := l.tail.file.Truncate(size); err != nil {
		return err
	}
	l.tail.torn = false
	return nil
}

// rotate begins a segment when there is none or the last one is full.
func (l *Log) rotate() error {
	if n := len(l.mu.segments); l.tail.file != nil && l.mu.segments[n-1].size < l.opts.SegmentBytes {
		return nil
	}
	spare, fill := "", int64(0)
	if l.opts.Reuse {
		fill = l.opts.SegmentBytes
		if n := len(l.tail.spares); n > 0 {
			spare, l.tail.spares = l.tail.spares[n-1], l.tail.spares[:n-1]
		}
	}
	seg, file, salt, err := createSegment(l.opts.FS, l.dir, l.mu.end, spare, fill)
	if err != nil {
		return err
	}
	if l.tail.file != nil {
		l.tail.file.Close() // everything in it is durable
	}
	l.tail.file, l.tail.salt, l.tail.torn = file, salt, false
	l.mu.Lock()
	l.mu.segments = append(l.mu.segments, seg)
	l.mu.Unlock()
	return nil
}

// makeRoom removes the oldest segments until n more bytes fit the bound, and
// returns the records of interest that went with them. A segment of which nobody
// knows what it held adds none.
func (l *Log) makeRoom(n int64) (lost []Range, err error) {
	if l.opts.MaxBytes == 0 {
		return nil, nil
	}
	n += segmentHeaderLen
	if n+segmentHeaderLen > l.opts.MaxBytes {
		return nil, fmt.Errorf("%d bytes: %w (the log is bounded to %d)", n, ErrTooLarge, l.opts.MaxBytes)
	}
	if l.bytes()+n <= l.opts.MaxBytes {
		return nil, nil
	}
	for l.bytes()+n > l.opts.MaxBytes {
		upTo := l.mu.end
		if len(l.mu.segments) > 1 {
			upTo = l.mu.segments[1].first
		} else if l.tail.file != nil {
			l.tail.file.Close()
			l.tail.file = nil
		}
		oldest := l.mu.segments[0]
		from := max(oldest.first, l.mu.start)
		if err := l.removeOldest(); err != nil {
			return lost, fmt.Errorf("drop the oldest segment: %w", err)
		}
		switch n := len(lost); {
		case from >= upTo || oldest.bound:
		case n > 0 && lost[n-1].To == from:
			lost[n-1].To = upTo
		default:
			lost = append(lost, Range{from, upTo})
		}
	}
	// A loss of power must not bring back what has been reported lost.
	return lost, l.opts.FS.SyncDir(l.dir)
}

// recoverTail finds the end of the last segment, cuts a torn frame off it and
// opens it for appending. One whose header is damaged is left as it is, for the
// Reader; where nothing in it can be read, the positions it can have held are not
// used again.
func (l *Log) recoverTail(last *segment) (end Position, err error) {
	flag := os.O_RDWR
	if l.readOnly {
		flag = os.O_RDONLY
	}
	f, err := l.opts.FS.OpenFile(last.path, flag)
	if err != nil {
		return 0, err
	}
	keep := false
	defer func() {
		if !keep {
			f.Close()
		}
	}()
	scan, whole, err := newScanner(f, *last)
	switch {
	case errors.Is(err, errSegmentHeader):
		l.opts.Logger.Error("log: segment cannot be read", "file", last.path, "bytes", last.size, "error", err)
		last.bound = true
		if last.size <= segmentHeaderLen {
			return max(last.first, l.opts.Start) + last.boundLen(), nil
		}
		return last.first + last.boundLen(), nil
	case err != nil:
		return 0, err
	}
	end = last.first
	good := scan.off
	for {
		frame, damagedAt, err := scan.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
		if damagedAt >= 0 {
			l.opts.Logger.Error("log: damaged frame", "file", last.path, "offset", damagedAt,
				"lost", Range{end, frame.first}.Len())
		}
		end, good = frame.end(), scan.off
	}
	if !whole {
		return end, nil // append to a new segment
	}
	if good < last.size {
		broken, err := scan.broken(good)
		if err != nil {
			return 0, err
		}
		l.mu.torn = broken || !l.opts.Reuse
		if l.mu.torn && !l.readOnly {
			l.opts.Logger.Warn("log: cut the last frame off, which is not whole: a crash tore it before it was acknowledged, or it is damaged",
				"file", last.path, "offset", good, "bytes", last.size-good)
		}
		// Where segments are used again, the next frame goes over what stands there.
		if !l.opts.Reuse && !l.readOnly {
			if err := f.Truncate(good); err != nil {
				return 0, err
			}
			if err := f.Sync(); err != nil {
				return 0, err
			}
		}
		last.size = good
	}
	if end < l.opts.Start || l.readOnly {
		return end, nil // positions up to Start are taken: append to a new segment
	}
	l.tail.file, l.tail.salt = f, scan.salt
	keep = true
	return end, nil
}
