package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/auspex-project/auspex/internal/store"
)

//go:embed schema.sql
var schema string

const (
	// applicationID marks the file as ours (PRAGMA application_id): "Auxh".
	applicationID = 0x41757868

	// schemaVersion counts the changes of schema.sql (PRAGMA user_version).
	schemaVersion = 1
)

// Options of Open; the zero value is right for the process that writes.
type Options struct {
	// ReadOnly opens an existing file without ever changing it; Write and
	// DeleteBefore are refused.
	ReadOnly bool

	// LockTimeout is how long an operation waits for another process that is
	// writing before it fails with store.ErrUnavailable; 0 means 10 s.
	LockTimeout time.Duration
}

// Store is a history in one SQLite file.
type Store struct {
	path    string
	layout  layout
	readers *sql.DB
	writer  *writer // nil when read-only
}

var _ store.History = (*Store)(nil)

// Open opens the history in the file at path. Unless read-only it creates the
// file and its folder when they do not exist. A file of another program or of a
// newer version of this one is refused and left as it is.
func Open(path string, o Options) (*Store, error) {
	if o.LockTimeout == 0 {
		o.LockTimeout = 10 * time.Second
	}
	s := &Store{path: path, layout: newLayout()}
	if err := s.open(o); err != nil {
		return nil, errors.Join(s.fault("open", err), s.Close())
	}
	return s, nil
}

func (s *Store) open(o Options) (err error) {
	ctx := context.Background()
	if !o.ReadOnly {
		if err := os.MkdirAll(filepath.Dir(s.path), 0o750); err != nil {
			return err
		}
		if s.writer, err = openWriter(ctx, s.path, s.layout, o.LockTimeout); err != nil {
			return err
		}
	}
	if s.readers, err = openDB(s.path, "ro", o.LockTimeout); err != nil {
		return err
	}
	s.readers.SetMaxIdleConns(4)
	empty, err := identify(ctx, s.readers)
	if err == nil && empty {
		err = fmt.Errorf("%w: there is nothing in it yet (start what writes it first)", store.ErrRefused)
	}
	return err
}

// Close waits for a running write and closes the file.
func (s *Store) Close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return s.fault("close", errors.Join(errs...))
}

// openDB prepares connections to the file; none is made yet. Every commit is
// synced before it is acknowledged (synchronous=FULL), since its sender then
// deletes the samples.
func openDB(path, mode string, lockTimeout time.Duration) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	pragmas := url.Values{
		"mode": {mode},
		"_pragma": {
			"busy_timeout(" + strconv.FormatInt(lockTimeout.Milliseconds(), 10) + ")",
			"synchronous(FULL)",
			"wal_autocheckpoint(16000)",     // pages of 4 KiB; collects the writes to pages many series share
			"journal_size_limit(134217728)", // give back disk space a long read made the log take
			"cache_size(-65536)",            // KiB; the pages that open series grow on
		},
	}
	if mode == "ro" {
		pragmas["_pragma"] = append(pragmas["_pragma"][:1], "query_only(1)")
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: pragmas.Encode()}
	return sql.Open("sqlite", dsn.String())
}

// querier is a *sql.DB or a *sql.Conn.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// identify reports why the file cannot be read by this version; empty says that
// there is nothing in it yet.
func identify(ctx context.Context, db querier) (empty bool, err error) {
	var application, version, objects int64
	row := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`)
	if err := row.Scan(&application, &version, &objects); err != nil {
		return false, err
	}
	switch {
	case objects == 0 && application == 0:
		return true, nil
	case application != applicationID:
		return false, fmt.Errorf("%w: the database is of another program (application_id %#x): set store.path to another file", store.ErrRefused, application)
	case version != schemaVersion:
		return false, fmt.Errorf("%w: the database has schema version %d, this program knows version %d: "+
			"run the version of auspex that wrote it, or set store.path to another file", store.ErrRefused, version, schemaVersion)
	}
	return false, nil
}

// create lays out an empty file. Another process may do the same at this moment.
func create(ctx context.Context, conn *sql.Conn) error {
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("%w: journal mode is %q instead of WAL: the file system lacks shared memory or locks, "+
			"set store.path to a local disk", store.ErrRefused, mode)
	}
	return inTransaction(ctx, conn, func() error {
		empty, err := identify(ctx, conn)
		if err != nil || !empty {
			return err
		}
		_, err = conn.ExecContext(ctx, fmt.Sprintf("%s; PRAGMA application_id=%d; PRAGMA user_version=%d", schema, applicationID, schemaVersion))
		return err
	})
}

// inTransaction runs do in a write transaction: all of it or, on error, nothing
// takes effect. ctx bounds only the wait for the lock.
func inTransaction(ctx context.Context, conn *sql.Conn, do func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	err := do()
	if err == nil {
		_, err = conn.ExecContext(whole, "COMMIT")
	}
	if err != nil {
		// SQLite has already rolled back after some errors, such as a full disk.
		_, _ = conn.ExecContext(whole, "ROLLBACK")
	}
	return err
}
