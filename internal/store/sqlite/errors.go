package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/auspex-project/auspex/internal/store"
)

// fault makes an error of SQLite one of package store, with a hint where an
// operator must act. Nothing SQLite says is about the samples themselves, so
// none of it is store.ErrRefused: they must be kept and tried again.
func (s *Store) fault(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, store.ErrRefused), errors.Is(err, store.ErrUnavailable):
		return fmt.Errorf("sqlite %s: %s: %w", op, s.path, err)
	}
	return fmt.Errorf("sqlite %s: %s: %w: %w%s", op, s.path, store.ErrUnavailable, err, hint(err))
}

func hint(err error) string {
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return ""
	}
	switch fault.Code() & 0xff { // the low byte is the kind, the rest says where
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return " (another process is writing; it is tried again)"
	case sqlite3.SQLITE_FULL:
		return " (free disk space)"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return " (check that the file and its folder exist and may be written)"
	case sqlite3.SQLITE_NOTADB:
		return " (the file is no SQLite database; set store.path to another)"
	case sqlite3.SQLITE_CORRUPT:
		return " (the file is damaged; stop auspex and restore it, or rescue what is left with sqlite3's .recover)"
	case sqlite3.SQLITE_IOERR:
		return " (check the disk)"
	}
	return ""
}
