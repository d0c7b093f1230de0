package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// pageRows is how many rows a scan reads in one transaction. Nothing is held
// open while the reader of the scan works, so a slow one hinders nobody.
const pageRows = 2048

// Scan streams samples; each page of some thousand rows is read at one moment.
func (s *Store) Scan(ctx context.Context, q store.Query) iter.Seq2[timeseries.Sample, error] {
	return s.scan(ctx, q, s.layout.all())
}

// Downsample reads only the column it needs and folds it.
func (s *Store) Downsample(ctx context.Context, q store.Query, d store.Downsampling) iter.Seq2[store.Bucket, error] {
	return store.Downsample(s.scan(ctx, q, s.layout.usageOf(d.Resource)), d)
}

// scan streams samples with the wanted columns of their series.
func (s *Store) scan(ctx context.Context, q store.Query, wanted columnSet) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		if err := s.scanTo(ctx, q, wanted, func(sample timeseries.Sample) bool { return yield(sample, nil) }); err != nil {
			yield(timeseries.Sample{}, s.fault("scan", err))
		}
	}
}

func (s *Store) scanTo(ctx context.Context, q store.Query, wanted columnSet, yield func(timeseries.Sample) bool) error {
	if err := q.Validate(); err != nil {
		return err
	}
	selected, err := s.selected(ctx, q)
	if err != nil {
		return err
	}
	pages, err := s.openPages(ctx)
	if err != nil {
		return err
	}
	defer pages.close()
	for _, one := range selected {
		from, to := span(q.Window)
		for {
			page, err := pages.read(ctx, one, wanted, from, to)
			if err != nil {
				return fmt.Errorf("workload %q: %w", one.key.Workload, err)
			}
			for i := range page {
				if !yield(page[i]) {
					return nil
				}
			}
			if len(page) < pageRows {
				break
			}
			from = page[len(page)-1].Time.UnixMilli() + 1
		}
	}
	return nil
}

// Series lists the series, and counts their samples in the index.
func (s *Store) Series(ctx context.Context, q store.Query) ([]store.SeriesStat, error) {
	stats, err := s.stats(ctx, q)
	return stats, s.fault("list series", err)
}

func (s *Store) stats(ctx context.Context, q store.Query) ([]store.SeriesStat, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	from, to := span(q.Window)
	const within = " FROM sample WHERE series=id AND time>=:from AND time<:to"
	rows, err := s.readers.QueryContext(ctx, `
		SELECT workload, app, class, queue, node, source,
			(SELECT min(time)`+within+`) AS first, (SELECT max(time)`+within+`), (SELECT count(*)`+within+`)
		FROM series WHERE first IS NOT NULL AND `+selection+` ORDER BY `+keyOrder,
		append(arguments(q), sql.Named("from", from), sql.Named("to", to))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var stats []store.SeriesStat
	for rows.Next() {
		var stat store.SeriesStat
		var first, last int64
		k := &stat.Key
		if err := rows.Scan(&k.Workload, &k.App, &k.Class, &k.Queue, &k.Node, &k.Source, &first, &last, &stat.Samples); err != nil {
			return nil, err
		}
		stat.First, stat.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		stats = append(stats, stat)
	}
	return stats, rows.Err()
}

// Count counts in the index.
func (s *Store) Count(ctx context.Context, q store.Query) (int64, error) {
	if err := q.Validate(); err != nil {
		return 0, s.fault("count", err)
	}
	from, to := span(q.Window)
	var count int64
	err := s.readers.QueryRowContext(ctx, `
		SELECT coalesce(sum((SELECT count(*) FROM sample WHERE series=id AND time>=:from AND time<:to)), 0)
		FROM series WHERE `+selection,
		append(arguments(q), sql.Named("from", from), sql.Named("to", to))...).Scan(&count)
	return count, s.fault("count", err)
}

const keyOrder = "workload, app, class, queue, node, source"

// selection is the condition on the table series that a query makes, with the
// lists as JSON so that their length is not bounded.
const selection = `(:workloads IS NULL OR workload IN (SELECT value FROM json_each(:workloads)))
	AND (:classes IS NULL OR class IN (SELECT value FROM json_each(:classes)))
	AND (:nodes IS NULL OR node IN (SELECT value FROM json_each(:nodes)))
	AND (:sources IS NULL OR source IN (SELECT value FROM json_each(:sources)))`

func arguments(q store.Query) []any {
	return []any{
		sql.Named("workloads", list(q.Workloads)), sql.Named("classes", list(q.Classes)),
		sql.Named("nodes", list(q.Nodes)), sql.Named("sources", list(q.Sources)),
	}
}

// list returns names as a JSON array, or NULL when there are none.
func list[S string | workload.Class](names []S) any {
	if len(names) == 0 {
		return nil
	}
	text, _ := json.Marshal(names) // strings cannot fail
	return string(text)
}

// span returns w in whole milliseconds, half-open like w.
func span(w timeseries.Window) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !w.From.IsZero() {
		from = ceilMilli(w.From)
	}
	if !w.To.IsZero() {
		to = ceilMilli(w.To)
	}
	return from, to
}

func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

// storedSeries is one row of the table series.
type storedSeries struct {
	id  int64
	key timeseries.Key
}

// selected returns the series a query selects, sorted by key.
func (s *Store) selected(ctx context.Context, q store.Query) ([]storedSeries, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT id, workload, app, class, queue, node, source FROM series WHERE "+selection+" ORDER BY "+keyOrder, arguments(q)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []storedSeries
	for rows.Next() {
		var one storedSeries
		k := &one.key
		if err := rows.Scan(&one.id, &k.Workload, &k.App, &k.Class, &k.Queue, &k.Node, &k.Source); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// pages reads pages of samples over one connection.
type pages struct {
	layout     layout
	conn       *sql.Conn
	statements map[columnSet]*sql.Stmt
	page       []timeseries.Sample // reused
}

func (s *Store) openPages(ctx context.Context) (*pages, error) {
	conn, err := s.readers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &pages{layout: s.layout, conn: conn, statements: map[columnSet]*sql.Stmt{}}, nil
}

// close gives the connection back; it has nothing to report that a read has not.
func (p *pages) close() {
	for _, stmt := range p.statements {
		_ = stmt.Close()
	}
	_ = p.conn.Close()
}

// read returns up to pageRows samples, good until the next read. Columns and
// rows are read in one transaction, for a writer may add both at any time.
func (p *pages) read(ctx context.Context, one storedSeries, wanted columnSet, from, to int64) ([]timeseries.Sample, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A page takes milliseconds. Watching for the end of ctx at every row would
	// cost more than finishing it.
	whole := context.WithoutCancel(ctx)
	tx, err := p.conn.BeginTx(whole, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // ends the transaction; nothing was written
	var columns columnSet
	err = tx.QueryRowContext(whole, "SELECT columns FROM series WHERE id=?", one.id).Scan(&columns)
	if errors.Is(err, sql.ErrNoRows) { // deleted meanwhile
		return nil, nil
	}
	if err != nil || columns&wanted == 0 {
		return nil, err
	}
	stmt, err := p.prepare(whole, columns&wanted)
	if err != nil {
		return nil, err
	}
	rows, err := tx.StmtContext(whole, stmt).QueryContext(whole, one.id, from, to, pageRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return p.decode(rows, one.key, columns&wanted)
}

func (p *pages) decode(rows *sql.Rows, k timeseries.Key, columns columnSet) ([]timeseries.Sample, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, targets := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		targets[i] = &values[i]
	}
	p.page = p.page[:0]
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		at, ok := values[0].(int64)
		if !ok {
			return nil, fmt.Errorf("column time holds %T %v", values[0], values[0])
		}
		sample := timeseries.Sample{Key: k, Time: time.UnixMilli(at).UTC()}
		if err := p.layout.fill(&sample, columns, values[1:]); err != nil {
			return nil, err
		}
		p.page = append(p.page, sample)
	}
	return p.page, rows.Err()
}

func (p *pages) prepare(ctx context.Context, columns columnSet) (*sql.Stmt, error) {
	if stmt, ok := p.statements[columns]; ok {
		return stmt, nil
	}
	stmt, err := p.conn.PrepareContext(ctx, p.layout.selectPage(columns))
	if err != nil {
		return nil, err
	}
	p.statements[columns] = stmt
	return stmt, nil
}
