package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// deleteRows is how many samples one transaction deletes, some ten milliseconds
// of work.
const deleteRows = 10_000

// DeleteBefore deletes in transactions of at most deleteRows samples. The file
// keeps its size; new samples fill the free pages.
func (s *Store) DeleteBefore(ctx context.Context, t time.Time) (deleted int64, err error) {
	before := ceilMilli(t)
	var after int64 // the series up to this id are done
	for done := false; !done && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		var n int64
		err = s.writing(ctx, func(w *writer) (err error) {
			n, after, done, err = w.deleteStep(context.WithoutCancel(ctx), after, before)
			return err
		})
		if err == nil {
			deleted += n
		}
	}
	return deleted, s.fault("delete", err)
}

// deleteStep deletes samples of the series beyond after, until enough are gone or
// none are left, and the series that have become empty.
func (w *writer) deleteStep(ctx context.Context, after, before int64) (deleted, upTo int64, done bool, err error) {
	for deleted < deleteRows {
		var id int64
		err := w.conn.QueryRowContext(ctx, "SELECT coalesce(min(id), 0) FROM series WHERE id>?", after).Scan(&id)
		if err != nil || id == 0 {
			return deleted, after, true, err
		}
		n, err := w.deleteFrom(ctx, id, before, deleteRows-deleted)
		if err != nil {
			return deleted, after, false, err
		}
		if deleted += n; deleted < deleteRows {
			after = id
		}
	}
	return deleted, after, false, nil
}

// deleteFrom deletes up to limit of the oldest samples of a series, and the
// series with its last sample.
func (w *writer) deleteFrom(ctx context.Context, id, before, limit int64) (int64, error) {
	result, err := w.conn.ExecContext(ctx, `
		DELETE FROM sample WHERE series=:id AND time<:before
		AND time<coalesce((SELECT time FROM sample WHERE series=:id ORDER BY time LIMIT 1 OFFSET :limit), :before)`,
		sql.Named("id", id), sql.Named("before", before), sql.Named("limit", limit))
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err != nil || n == 0 {
		return 0, err
	}
	removed, err := w.conn.ExecContext(ctx, "DELETE FROM series WHERE id=? AND NOT EXISTS (SELECT 1 FROM sample WHERE series=id)", id)
	if err != nil {
		return n, err
	}
	if gone, err := removed.RowsAffected(); err != nil || gone > 0 {
		clear(w.series)
		return n, err
	}
	return n, nil
}
