package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Record is one record and where it stands.
type Record struct {
	Position Position
	Data     []byte // valid until the Reader's next call
}

// CorruptError says that records cannot be read back. The Reader that
// returned it goes on behind them.
type CorruptError struct {
	File   string
	Offset int64 // of the first damaged byte
	Lost   Range

	// Bound says that nobody knows how many of the positions lost held a record,
	// if any did.
	Bound bool
}

func (e *CorruptError) Error() string {
	if e.Bound {
		return fmt.Sprintf("log segment %s is damaged at offset %d: an unknown number of records from position %d on is lost",
			e.File, e.Offset, e.Lost.From)
	}
	return fmt.Sprintf("log segment %s is damaged at offset %d: %d records from position %d are lost",
		e.File, e.Offset, e.Lost.Len(), e.Lost.From)
}

// Reader reads records in order and follows the log as it grows. It is not
// safe for concurrent use.
type Reader struct {
	log  *Log
	next Position // of the record to return next

	// The segment being read, and what is left of its current frame.
	path   string
	file   File
	scan   *scanner
	at     Position // of the first record in rest
	frames []byte   // records left, as cutRecord takes them
}

// Read returns a reader of the records from position from on. Records that
// have been truncated or dropped are skipped without a word.
func (l *Log) Read(from Position) *Reader { return &Reader{log: l, next: max(from, 1)} }

// Position returns where the reader stands: the position of the record that
// Next returns next, unless that is lost.
func (r *Reader) Position() Position { return r.next }

// Next returns the next durable record. At the end of the log the error is
// io.EOF, and a later call returns what has been appended since. A *CorruptError
// stands for the records lost; the next call goes on behind them.
func (r *Reader) Next() (Record, error) {
	for {
		for len(r.frames) > 0 {
			data, rest, _ := cutRecord(r.frames) // the scanner has checked it
			rec := Record{r.at, data}
			r.frames = rest
			r.at++
			if rec.Position == r.next {
				r.next++
				return rec, nil
			}
		}
		if err := r.advance(); err != nil {
			return Record{}, err
		}
	}
}

// Wait returns when Next has a record to return, or with ctx's error.
func (r *Reader) Wait(ctx context.Context) error { return r.log.Wait(ctx, r.next) }

// Close closes the file the reader holds open.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file, r.scan, r.path, r.frames = nil, nil, "", nil
	return err
}

// advance loads the frame that holds the next record, or says why there is none.
func (r *Reader) advance() error {
	for {
		seg, end, ok := r.locate()
		if !ok {
			return io.EOF
		}
		err := r.open(seg)
		switch {
		case errors.Is(err, os.ErrNotExist) && r.log.First() > r.next:
			continue // dropped in the meantime
		case errors.Is(err, errSegmentHeader), errors.Is(err, os.ErrNotExist):
			return r.lose(Range{r.next, end}, 0, seg.bound)
		case err != nil:
			return fmt.Errorf("read log: %w", err)
		}
		r.scan.limit = seg.size
		f, damagedAt, err := r.scan.next()
		if damagedAt < 0 {
			damagedAt = r.scan.off
		}
		switch {
		case err == io.EOF || err == nil && f.first >= end:
			// Nothing more here, though the segment should reach up to end.
			return r.lose(Range{r.next, end}, damagedAt, false)
		case err != nil:
			return fmt.Errorf("read log segment %s at offset %d: %w", seg.path, r.scan.off, err)
		case f.end() <= r.next:
			continue // before the position asked for
		}
		r.at, r.frames = f.first, f.payload
		if f.first > r.next {
			return r.lose(Range{r.next, f.first}, damagedAt, false)
		}
		return nil
	}
}

func (r *Reader) lose(lost Range, offset int64, bound bool) error {
	r.next = lost.To
	return &CorruptError{File: r.path, Offset: offset, Lost: lost, Bound: bound}
}

// locate returns the segment that holds the next record and the position at
// which its records end; ok is false at the end of the log.
func (r *Reader) locate() (seg segment, end Position, ok bool) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.first(); r.next < first {
		r.next = first
	}
	if r.next >= l.mu.end {
		return segment{}, 0, false
	}
	for i, s := range l.mu.segments {
		end = l.mu.end
		if i+1 < len(l.mu.segments) {
			end = l.mu.segments[i+1].first
		}
		if r.next < end {
			return s, end, true
		}
	}
	return segment{}, 0, false
}

// open makes seg the segment being read.
func (r *Reader) open(seg segment) error {
	if r.path == seg.path && r.scan != nil {
		return nil
	}
	if err := r.Close(); err != nil {
		return err
	}
	r.path = seg.path
	f, err := r.log.opts.FS.OpenFile(seg.path, os.O_RDONLY)
	if err != nil {
		return err
	}
	scan, whole, err := newScanner(f, seg)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if !whole {
		r.log.opts.Logger.Error("log: the header of a segment is damaged; its frames are read without it", "file", seg.path, "offset", 0)
	}
	r.file, r.scan = f, scan
	return nil
}
