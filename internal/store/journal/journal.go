package journal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement/ledger"
)

// Options of a journal. The zero value is ready to use.
type Options struct {
	SegmentBytes int64        // of the log; 0 = 4 MiB, which is quickly made
	Log          *slog.Logger // nil discards

	// Repair replays what is left of a damaged log, and logs what is not. Without
	// it damage is an error: what lost records reserved would count as free.
	Repair bool
}

// Journal is an open journal. One process at a time may hold it.
type Journal struct {
	dir string
	wal *wal.Log
	log *slog.Logger

	repair bool

	compacting sync.Mutex
}

var _ ledger.Journal = (*Journal)(nil)

// Open opens the journal in dir, creating it where there is none.
func Open(dir string, o Options) (*Journal, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 4 << 20
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	header, err := readHeader(filepath.Join(dir, snapshotName))
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	log, err := wal.Open(filepath.Join(dir, "log"), wal.Options{SegmentBytes: o.SegmentBytes, Reuse: true, Start: header.Position, Logger: o.Log})
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &Journal{dir: dir, wal: log, log: o.Log, repair: o.Repair}, nil
}

// OpenReadOnly opens the journal in dir to look at it, be it in use, and changes
// nothing. A folder that is not there is an error of fs.ErrNotExist.
func OpenReadOnly(dir string, o Options) (*Journal, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	header, err := readHeader(filepath.Join(dir, snapshotName))
	if err != nil {
		return nil, fmt.Errorf("look at journal: %w", err)
	}
	log, err := wal.OpenReadOnly(filepath.Join(dir, "log"), wal.Options{Reuse: true, Start: header.Position, Logger: o.Log})
	if err != nil {
		return nil, fmt.Errorf("look at journal: %w", err)
	}
	return &Journal{dir: dir, wal: log, log: o.Log, repair: o.Repair}, nil
}

// Torn reports whether the journal ended in a record that was not whole: of a crash,
// and never acknowledged, or, for one that is looked at, one being written.
func (j *Journal) Torn() bool { return j.wal.Torn() }

// Append makes records durable, all or none.
func (j *Journal) Append(records ...ledger.Record) error {
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	if err := buf.encode(records); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := j.wal.Append(buf.records...); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// buffer is encoded records, one behind the other.
type buffer struct {
	bytes   []byte
	ends    []int
	records [][]byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) encode(records []ledger.Record) (err error) {
	b.bytes, b.ends, b.records = b.bytes[:0], b.ends[:0], b.records[:0]
	for i := range records {
		if b.bytes, err = encode(b.bytes, &records[i]); err != nil {
			b.bytes = nil
			return err
		}
		b.ends = append(b.ends, len(b.bytes))
	}
	start := 0
	for _, end := range b.ends {
		b.records = append(b.records, b.bytes[start:end])
		start = end
	}
	return nil
}

// Replay yields the snapshot's number and records and then those of the log that follow
// it.
// Damage is an error that names file and offset and says how to go on, and so are
// an unknown version and a failing disk. A log that Options.Repair is set for
// costs only the records the damage touches; a snapshot is whole or refused.
func (j *Journal) Replay() iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		header, records, err := readSnapshot(filepath.Join(j.dir, snapshotName))
		if err != nil {
			yield(ledger.Record{}, err)
			return
		}
		if header.UpTo > 0 && !yield(ledger.Record{Seq: header.UpTo, Kind: ledger.SnapshotTaken}, nil) {
			return
		}
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
		if err := j.beginning(header.Position); err != nil {
			if !j.repair {
				yield(ledger.Record{}, j.damaged(err))
				return
			}
			j.log.Error("journal: records are lost; what they reserved is free again", "error", err)
		}
		reader := j.wal.Read(header.Position)
		defer reader.Close()
		for {
			raw, err := reader.Next()
			var corrupt *wal.CorruptError
			switch {
			case err == io.EOF:
				return
			case errors.As(err, &corrupt) && !j.repair:
				yield(ledger.Record{}, j.damaged(err))
				return
			case errors.As(err, &corrupt):
				j.log.Error("journal: records are lost; what they reserved is free again", "error", err)
				continue
			case err != nil:
				yield(ledger.Record{}, fmt.Errorf("journal: %w", err))
				return
			}
			r, err := decode(raw.Data)
			if err != nil {
				yield(ledger.Record{}, fmt.Errorf("journal: record at position %d: %w", raw.Position, err))
				return
			}
			if r.Seq > header.UpTo && !yield(r, nil) {
				return
			}
		}
	}
}

// beginning reports what is missing of the log around position, where it follows
// the snapshot.
func (j *Journal) beginning(position wal.Position) error {
	position = max(position, 1)
	if first := j.wal.First(); first > position {
		return fmt.Errorf("log %s begins with record %d, the snapshot wants it from %d: files are missing", filepath.Join(j.dir, "log"), first, position)
	}
	if j.wal.Short() {
		return fmt.Errorf("log %s ends before record %d, where the snapshot wants it to go on: files are missing or were cut", filepath.Join(j.dir, "log"), position)
	}
	return nil
}

// damaged says how to go on after err.
func (j *Journal) damaged(err error) error {
	return fmt.Errorf("journal: %w; without those records placements would be made twice "+
		"(restore the folder %s from a backup, or move it away to start with an empty fleet)", err, j.dir)
}

// Compact writes content as the new snapshot and drops the log before it.
func (j *Journal) Compact(content func() ledger.Snapshot) error {
	j.compacting.Lock()
	defer j.compacting.Unlock()
	// Noted before content is taken: what content lacks is appended after this.
	position := j.wal.End()
	if err := writeSnapshot(j.dir, position, content()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.wal.TruncateBefore(position); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Bytes returns the size of the log's files.
func (j *Journal) Bytes() int64 { return j.wal.Bytes() }

// Close closes the files.
func (j *Journal) Close() error { return j.wal.Close() }
