package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

var (
	ErrClosed   = errors.New("log is closed")
	ErrLocked   = errors.New("in use by another process")
	ErrTooLarge = errors.New("records are too large for one append")
)

// Position counts the records of a log, from 1. The zero Position stands for
// the oldest record there is.
type Position uint64

// Range is the half-open span of positions [From, To).
type Range struct{ From, To Position }

// Len returns the number of records in r.
func (r Range) Len() int { return int(r.To - r.From) }

// Options of a log. The zero value is a log without bound in segments of 16 MiB.
type Options struct {
	// SegmentBytes is the size at which a segment is closed and a new one begun.
	// 0 is 16 MiB, or an eighth of MaxBytes where that is less.
	SegmentBytes int64

	// MaxBytes bounds the files of the log together; the oldest segments are
	// dropped to stay below. 0 is no bound.
	MaxBytes int64

	// Reuse fills segments with zeros before their first use and uses those dealt
	// with again. An append then changes bytes of a file and nothing about it, so that
	// its sync has not to wait for the file system's own journal. It is for logs that
	// are only read while nothing is truncated, and not together with MaxBytes.
	Reuse bool

	// Dropped, when set, is called after the bound took records that were still
	// of interest (see Start and TruncateBefore). It must not call the log.
	Dropped func(lost Range)

	// Start says that records before it are no longer of interest, as a Cursor
	// remembers it. Segments wholly before it are removed by Open, and no new
	// record gets a position below it, even when the segments are gone.
	Start Position

	FS     FS           // nil is the operating system's
	Logger *slog.Logger // nil discards
}

const (
	defaultSegmentBytes = 16 << 20
	minSegmentBytes     = 4 << 10
	maxAppendBytes      = 64 << 20
	maxGroupBytes       = 4 << 20 // an append may exceed it, a group then holds that one
)

func (o Options) withDefaults() (Options, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
		if o.MaxBytes > 0 {
			o.SegmentBytes = max(min(o.SegmentBytes, o.MaxBytes/8), minSegmentBytes)
		}
	}
	switch {
	case o.SegmentBytes < minSegmentBytes:
		return o, fmt.Errorf("segment size of %d bytes is below %d", o.SegmentBytes, minSegmentBytes)
	case o.Reuse && o.MaxBytes > 0:
		return o, errors.New("a log with a bound cannot use segments again")
	case o.MaxBytes < 0 || o.MaxBytes > 0 && o.MaxBytes < 2*o.SegmentBytes:
		return o, fmt.Errorf("bound of %d bytes is below two segments of %d", o.MaxBytes, o.SegmentBytes)
	}
	if o.FS == nil {
		o.FS = OS{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Start = max(o.Start, 1)
	return o, nil
}

// Log is an open log. Its methods are safe for concurrent use.
type Log struct {
	dir  string
	opts Options
	lock io.Closer

	readOnly bool

	// turn holds a token while one goroutine changes the files.
	turn chan struct{}
	tail tail // owned by the holder of the turn

	mu struct {
		sync.Mutex
		pending  *group    // collects appends until its leader takes it
		segments []segment // the last one is appended to; changed only by the holder of the turn
		end      Position  // of the next record; all before it are durable
		start    Position  // records before it are no longer of interest
		short    bool      // see Short
		torn     bool      // see Torn
		grown    chan struct{}
	}
}

// Open opens the log in dir, creating it where there is none. A frame torn by
// a crash is cut off the end. One process at a time may hold a log open:
// ErrLocked.
func Open(dir string, opts Options) (*Log, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	if err := opts.FS.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	lock, err := opts.FS.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l := &Log{dir: dir, opts: opts, lock: lock, turn: make(chan struct{}, 1)}
	l.mu.pending = newGroup(nil)
	if err := l.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log %s: %w", dir, err), lock.Close())
	}
	return l, nil
}

// OpenReadOnly opens the log in dir to look at it, be it in use, and changes
// nothing: a frame torn by a crash stays and shows in Torn. What is written or
// removed meanwhile may look like damage.
func OpenReadOnly(dir string, opts Options) (*Log, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("look at log %s: %w", dir, err)
	}
	l := &Log{dir: dir, opts: opts, turn: make(chan struct{}, 1), readOnly: true}
	l.mu.pending = newGroup(nil)
	l.tail.closed = true
	if err := l.recover(); err != nil {
		return nil, fmt.Errorf("look at log %s: %w", dir, err)
	}
	return l, nil
}

// recover finds the segments and the end of the last one.
func (l *Log) recover() error {
	segments, spares, err := listSegments(l.opts.FS, l.dir)
	if err != nil {
		return err
	}
	l.mu.segments, l.tail.spares = segments, spares
	l.mu.start = l.opts.Start
	l.mu.end = l.opts.Start
	if n := len(segments); n > 0 {
		end, err := l.recoverTail(&segments[n-1])
		if err != nil {
			return err
		}
		l.mu.end = max(end, l.opts.Start)
		l.mu.short = end < l.opts.Start
	} else {
		l.mu.short = l.opts.Start > 1
	}
	if l.mu.short {
		l.opts.Logger.Warn("log: it ends before the records already dealt with; those after them are lost, if there were any",
			"dir", l.dir, "start", l.opts.Start)
	}
	if l.readOnly {
		return nil
	}
	return l.removeBefore(l.opts.Start)
}

// Append adds records, all or none, and returns the position of the first once
// all are durable. After an error none of them is in the log, unless the process
// dies before the error is returned; the log stays usable. It keeps no record.
func (l *Log) Append(records ...[]byte) (Position, error) {
	if len(records) == 0 {
		return l.End(), nil
	}
	size := 0
	for _, r := range records {
		size += len(r)
	}
	if size > maxAppendBytes {
		return 0, fmt.Errorf("append %d bytes: %w (at most %d)", size, ErrTooLarge, maxAppendBytes)
	}
	for {
		g, offset := l.join(records, size)
		select {
		case <-g.done:
		case l.turn <- struct{}{}:
			l.commit(g)
			<-l.turn
		}
		if offset < 0 { // the group was full; it is on disk now
			continue
		}
		<-g.done
		return g.first + Position(offset), g.err
	}
}

// TruncateBefore says that records before p are no longer of interest and
// removes the segments that hold no others.
func (l *Log) TruncateBefore(p Position) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.tail.closed {
		return ErrClosed
	}
	if err := l.removeBefore(p); err != nil {
		return fmt.Errorf("truncate log %s: %w", l.dir, err)
	}
	return nil
}

// First returns the position of the oldest record still kept, End when there
// is none.
func (l *Log) First() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first()
}

func (l *Log) first() Position {
	if len(l.mu.segments) == 0 {
		return l.mu.end
	}
	return l.mu.segments[0].first
}

// End returns the position the next record will get; all before it are durable.
func (l *Log) End() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.end
}

// Len returns the number of records from position p on, without those of
// segments of which nobody knows how many they held.
func (l *Log) Len(p Position) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i, s := range l.mu.segments {
		end := l.mu.end
		if i+1 < len(l.mu.segments) {
			end = l.mu.segments[i+1].first
		}
		if from := max(s.first, p); from < end && !s.bound {
			n += Range{from, end}.Len()
		}
	}
	return n
}

// Short reports whether Open found that the log ended before Options.Start: files
// are missing or were cut, and nobody knows how many records stood behind it.
func (l *Log) Short() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.short
}

// Torn reports whether the last segment ended in a frame that was not whole: a crash
// tore it, or, where the log was opened to look at it, it was being written.
func (l *Log) Torn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.torn
}

// Bytes returns the size of the log's files.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes()
}

func (l *Log) bytes() (sum int64) {
	for _, s := range l.mu.segments {
		sum += s.size
	}
	return sum
}

// Wait returns once a record at p or later is durable, or with ctx's error.
func (l *Log) Wait(ctx context.Context, p Position) error {
	for {
		l.mu.Lock()
		if l.mu.end > p {
			l.mu.Unlock()
			return nil
		}
		if l.mu.grown == nil {
			l.mu.grown = make(chan struct{})
		}
		grown := l.mu.grown
		l.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close waits for an append under way and closes the log. Later calls that
// change it return ErrClosed.
func (l *Log) Close() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.tail.closed {
		return nil
	}
	l.tail.closed = true
	var err error
	if l.tail.file != nil {
		err = l.tail.file.Close()
	}
	if l.tail.filling != nil {
		l.tail.filling.Close() // begun anew next time
	}
	return errors.Join(err, l.lock.Close())
}

// removeBefore removes segments that hold only records before p. The caller
// holds the turn.
func (l *Log) removeBefore(p Position) error {
	l.mu.Lock()
	l.mu.start = max(l.mu.start, p)
	l.mu.Unlock()
	removed := false
	for len(l.mu.segments) > 1 && l.mu.segments[1].first <= p {
		if err := l.removeOldest(); err != nil {
			return err
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return l.opts.FS.SyncDir(l.dir)
}

// removeOldest removes the first segment. The caller holds the turn.
func (l *Log) removeOldest() error {
	l.mu.Lock()
	oldest := l.mu.segments[0]
	l.mu.Unlock()
	if err := l.retire(oldest); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l.mu.Lock()
	l.mu.segments = l.mu.segments[1:]
	l.mu.Unlock()
	return nil
}

// maxSpares is how many segments that were dealt with wait for their next use.
const maxSpares = 16

// retire puts a segment aside for its next use, or removes it.
func (l *Log) retire(s segment) error {
	if !l.opts.Reuse || len(l.tail.spares) >= maxSpares {
		return l.opts.FS.Remove(s.path)
	}
	spare := strings.TrimSuffix(s.path, segmentSuffix) + spareSuffix
	if err := l.opts.FS.Rename(s.path, spare); err != nil {
		return err
	}
	l.tail.spares = append(l.tail.spares, spare)
	return nil
}
