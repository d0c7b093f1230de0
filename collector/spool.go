package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/timeseries"
)

// spool is the samples accepted and not yet in the store, oldest first: a log
// with one record per sample, and a cursor up to which the store has them.
// Appending is safe for concurrent use; taking and acknowledging are for one
// goroutine.
type spool struct {
	log    *wal.Log
	cursor *wal.Cursor
	reader *wal.Reader
	opts   spoolOptions
	decode decoder

	mu struct {
		sync.Mutex
		acknowledged wal.Position  // the store has the samples before it
		moved        chan struct{} // closed when acknowledged moves
	}
}

type spoolOptions struct {
	dir      string
	maxBytes int64
	fs       wal.FS
	logger   *slog.Logger
	dropped  func(samples int) // the bound took them
	damaged  func(samples int) // they cannot be read back
}

// cursorName is the file in a spool's folder that says how far the store has it.
const cursorName = "shipped.cursor"

// batch is samples taken from the spool.
type batch struct {
	samples []timeseries.Sample
	end     wal.Position // acknowledges all of them
}

func openSpool(o spoolOptions) (*spool, error) {
	cursor, err := wal.OpenCursor(o.fs, filepath.Join(o.dir, cursorName))
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s := &spool{opts: o, cursor: cursor}
	s.log, err = wal.Open(o.dir, wal.Options{
		MaxBytes: o.maxBytes, Start: cursor.Position(), Dropped: s.dropped, FS: o.fs, Logger: o.logger,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open spool: %w", err), cursor.Close())
	}
	s.mu.acknowledged = max(cursor.Position(), s.log.First())
	s.reader = s.log.Read(s.mu.acknowledged)
	return s, nil
}

// rewind goes back to the oldest sample that has not been acknowledged.
func (s *spool) rewind() {
	s.reader.Close() // it only reads
	s.reader = s.log.Read(s.delivered())
}

// maxRecordBytes is how many encoded bytes one append to the log carries.
const maxRecordBytes = 1 << 20

// append makes samples durable, in order. On error any of them may not be.
func (s *spool) append(samples []timeseries.Sample) error {
	var buf []byte
	var ends []int
	flush := func() error {
		records := make([][]byte, len(ends))
		start := 0
		for i, end := range ends {
			records[i], start = buf[start:end], end
		}
		_, err := s.log.Append(records...)
		buf, ends = buf[:0], ends[:0]
		return err
	}
	for i := range samples {
		buf = appendSample(buf, &samples[i])
		ends = append(ends, len(buf))
		if len(buf) >= maxRecordBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// next takes up to n samples into reuse; io.EOF when all have been taken.
// Samples that cannot be read back are counted, where their number is known,
// logged and passed over.
func (s *spool) next(n int, reuse []timeseries.Sample) (batch, error) {
	b := batch{samples: reuse[:0]}
	for len(b.samples) < n {
		record, err := s.reader.Next()
		var corrupt *wal.CorruptError
		switch {
		case err == io.EOF && len(b.samples) == 0:
			return batch{end: s.reader.Position()}, io.EOF
		case err == io.EOF:
			b.end = s.reader.Position()
			return b, nil
		case errors.As(err, &corrupt):
			if corrupt.Bound {
				s.opts.logger.Error("spool is damaged; nobody knows how many samples are lost, if any are", "file", corrupt.File,
					"offset", corrupt.Offset, "position", corrupt.Lost.From)
				continue
			}
			s.opts.damaged(corrupt.Lost.Len())
			s.opts.logger.Error("spool is damaged; samples are lost", "file", corrupt.File, "offset", corrupt.Offset,
				"samples", corrupt.Lost.Len(), "position", corrupt.Lost.From)
			continue
		case err != nil:
			return batch{}, err
		}
		sample, err := s.decode.sample(record.Data)
		if err != nil {
			s.opts.damaged(1)
			s.opts.logger.Error("spool holds a record that is no sample; it is lost", "position", record.Position, "error", err)
			continue
		}
		b.samples = append(b.samples, sample)
	}
	b.end = s.reader.Position()
	return b, nil
}

// acknowledge gives up the samples of b and all before. It succeeds on a full
// disk too: what could not be noted is shipped once more after a restart.
func (s *spool) acknowledge(b batch) {
	if err := s.cursor.Set(b.end); err != nil {
		s.opts.logger.Warn("spool: what was shipped could not be noted; it will be shipped again after a restart", "error", err)
	}
	if err := s.log.TruncateBefore(b.end); err != nil {
		s.opts.logger.Warn("spool: shipped segments could not be removed", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.acknowledged = max(s.mu.acknowledged, b.end)
	if s.mu.moved != nil {
		close(s.mu.moved)
		s.mu.moved = nil
	}
}

// depth returns how many samples wait for the store.
func (s *spool) depth() int64 {
	return int64(s.log.Len(s.delivered()))
}

// delivered returns the position up to which samples are in the store, or lost.
func (s *spool) delivered() wal.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.mu.acknowledged, s.log.First())
}

// waitUntil returns when done is true, looking again after each acknowledgement,
// or with ctx's error.
func (s *spool) waitUntil(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		if s.mu.moved == nil {
			s.mu.moved = make(chan struct{})
		}
		moved := s.mu.moved
		s.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dropped counts and logs what the bound took. A batch on its way to the store
// at this moment counts as lost although it may arrive.
func (s *spool) dropped(lost wal.Range) {
	s.opts.dropped(lost.Len())
	s.opts.logger.Error("spool reached its bound; the oldest samples are lost (is the store down? raise the bound)",
		"dir", s.opts.dir, "max_bytes", s.opts.maxBytes, "samples", lost.Len())
}

func (s *spool) close() error {
	return errors.Join(s.reader.Close(), s.log.Close(), s.cursor.Close())
}
