package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

const (
	// maxStatements and maxSeries bound what a writer remembers.
	maxStatements = 64
	maxSeries     = 1 << 18
)

// insertRows are the numbers of samples one statement may store: many make the
// cost of a call small, the lesser ones serve the rest of a run.
var insertRows = [...]int{64, 8, 1}

// Write stores samples in one transaction: all or, on error, none.
func (s *Store) Write(ctx context.Context, samples []timeseries.Sample) error {
	for i := range samples {
		if err := samples[i].Validate(time.Time{}); err != nil {
			return s.fault("write", fmt.Errorf("%w: %w", store.ErrRefused, err))
		}
	}
	if len(samples) == 0 {
		return nil
	}
	return s.fault("write", s.writing(ctx, func(w *writer) error { return w.write(ctx, samples) }))
}

// writing runs do in a write transaction, once it is this caller's turn.
func (s *Store) writing(ctx context.Context, do func(*writer) error) error {
	w := s.writer
	if w == nil {
		return fmt.Errorf("%w: it was opened read-only", store.ErrRefused)
	}
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-w.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	err := inTransaction(ctx, w.conn, func() error {
		if err := w.refresh(ctx); err != nil {
			return err
		}
		return do(w)
	})
	if err != nil {
		clear(w.series) // it may hold series that were rolled back
	}
	return err
}

var errClosed = errors.New("the store is closed")

// writer owns the one connection that writes; whoever holds turn may use it.
type writer struct {
	turn       chan struct{} // holds one element while somebody writes, and for ever once closed
	closing    sync.Once
	closed     chan struct{}
	layout     layout
	db         *sql.DB
	conn       *sql.Conn
	series     map[timeseries.Key]*writtenSeries
	statements map[statement]*sql.Stmt
	version    int64 // PRAGMA data_version at the last look
}

// writtenSeries is what is stored in the table series.
type writtenSeries struct {
	id      int64
	columns columnSet
}

// statement identifies an insert.
type statement struct {
	columns columnSet
	rows    int
}

func openWriter(ctx context.Context, path string, l layout, lockTimeout time.Duration) (*writer, error) {
	db, err := openDB(path, "rwc", lockTimeout)
	if err != nil {
		return nil, err
	}
	w := &writer{
		turn: make(chan struct{}, 1), closed: make(chan struct{}), layout: l, db: db,
		series: map[timeseries.Key]*writtenSeries{}, statements: map[statement]*sql.Stmt{},
	}
	if err := w.connect(ctx); err != nil {
		_ = db.Close() // the first error says more
		return nil, err
	}
	return w, nil
}

func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	empty, err := identify(ctx, w.conn)
	if err == nil && empty {
		err = create(ctx, w.conn)
	}
	return err
}

// close waits for its turn and keeps it, so that nothing is written any more.
func (w *writer) close() (err error) {
	w.closing.Do(func() {
		w.turn <- struct{}{}
		close(w.closed)
		w.forgetStatements()
		err = errors.Join(w.conn.Close(), w.db.Close())
	})
	return err
}

// refresh forgets the series when another process has written since, for it may
// have removed some.
func (w *writer) refresh(ctx context.Context) error {
	var version int64
	if err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return err
	}
	if version != w.version || len(w.series) > maxSeries {
		clear(w.series)
	}
	w.version = version
	return nil
}

// row is a sample on its way into the table: its place there, its place in the
// batch, and the columns it needs.
type row struct {
	series, time int64
	index        int32
	columns      columnSet
}

// write stores samples inside a transaction.
func (w *writer) write(ctx context.Context, samples []timeseries.Sample) error {
	rows, err := w.resolve(ctx, samples)
	if err != nil {
		return err
	}
	// In the order of the table neighbours share pages; of equal samples the
	// later one must come last.
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.series, b.series), cmp.Compare(a.time, b.time), cmp.Compare(a.index, b.index))
	})
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := chunk(rows)
		if err := w.insert(ctx, samples, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// chunk returns how many of the first rows one statement can store.
func chunk(rows []row) int {
	run := 1
	for run < len(rows) && run < insertRows[0] && rows[run].columns == rows[0].columns {
		run++
	}
	for _, n := range insertRows {
		if n <= run {
			return n
		}
	}
	return 1
}

// resolve finds or makes the series of every sample.
func (w *writer) resolve(ctx context.Context, samples []timeseries.Sample) ([]row, error) {
	rows := make([]row, len(samples))
	var last *writtenSeries
	for i := range samples {
		s := &samples[i]
		columns := w.layout.of(s)
		if i == 0 || s.Key != samples[i-1].Key {
			last = w.series[s.Key]
		}
		if last == nil || columns&^last.columns != 0 {
			var err error
			if last, err = w.register(ctx, s.Key, columns); err != nil {
				return nil, err
			}
		}
		rows[i] = row{series: last.id, time: s.Time.UnixMilli(), index: int32(i), columns: columns}
	}
	return rows, nil
}

// register stores a series, or adds columns to the one that is there.
func (w *writer) register(ctx context.Context, k timeseries.Key, columns columnSet) (*writtenSeries, error) {
	stored := &writtenSeries{}
	err := w.conn.QueryRowContext(ctx,
		`INSERT INTO series(workload,app,class,queue,node,source,columns) VALUES(?,?,?,?,?,?,?)
		 ON CONFLICT DO UPDATE SET columns=columns|excluded.columns RETURNING id, columns`,
		k.Workload, k.App, string(k.Class), k.Queue, k.Node, k.Source, int64(columns)).Scan(&stored.id, &stored.columns)
	if err != nil {
		return nil, err
	}
	w.series[k] = stored
	return stored, nil
}

// insert stores a chunk of samples.
func (w *writer) insert(ctx context.Context, samples []timeseries.Sample, rows []row) (err error) {
	columns := rows[0].columns
	values := make([]any, 0, len(rows)*(2+len(w.layout.columns)))
	for _, r := range rows {
		values = append(values, r.series, r.time)
		if values, err = w.layout.appendValues(values, &samples[r.index], columns); err != nil {
			return err
		}
	}
	whole := context.WithoutCancel(ctx)
	stmt, err := w.prepare(whole, statement{columns, len(rows)})
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(whole, values...)
	return err
}

// prepare returns a statement from memory, making room when there are too many.
func (w *writer) prepare(ctx context.Context, want statement) (*sql.Stmt, error) {
	if stmt, ok := w.statements[want]; ok {
		return stmt, nil
	}
	if len(w.statements) >= maxStatements {
		w.forgetStatements()
	}
	stmt, err := w.conn.PrepareContext(ctx, w.layout.insert(want.columns, want.rows))
	if err != nil {
		return nil, err
	}
	w.statements[want] = stmt
	return stmt, nil
}

// forgetStatements closes all statements; one that stays open would keep SQLite
// from putting the log back into the file when the connection ends.
func (w *writer) forgetStatements() {
	for _, stmt := range w.statements {
		_ = stmt.Close() // its errors are those of its last use
	}
	clear(w.statements)
}
