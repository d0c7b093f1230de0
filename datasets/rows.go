package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// RowError is about one row of a trace. The rows after it can still be read.
type RowError struct {
	File string
	Line int // from 1
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *RowError) Unwrap() error { return e.Err }

// rows makes records of the lines of one file.
type rows[T any] interface {
	// head looks at the first line and says whether it is a header and no row.
	// An error means that the file is not of this format; it ends the trace.
	head(line []byte) (header bool, err error)

	// row passes the records of one line to emit until that returns false. An
	// error is about this line alone.
	row(line []byte, emit func(T) bool) error
}

// checkEvery is how many lines are read between looks at the context.
const checkEvery = 1024

// readRows yields the records of all files in order. Blank lines are skipped; rows
// that have a method blank are told of them. An error about a row is yielded as a
// *RowError and reading goes on; any other error ends it.
func readRows[T any](ctx context.Context, fs *files, open func(path string) (rows[T], error), yield func(T, error) bool) {
	var none T
	fs.read.Store(0)
	for _, f := range fs.list {
		r, err := open(f.path)
		if err != nil {
			yield(none, err)
			return
		}
		l, err := fs.open(f.path)
		if err != nil {
			yield(none, err)
			return
		}
		more := readFile(ctx, l, r, yield)
		l.close()
		if !more {
			return
		}
	}
}

// readFile yields the records of one file and reports whether to go on.
func readFile[T any](ctx context.Context, l *lines, r rows[T], yield func(T, error) bool) bool {
	var none T
	more := true
	emit := func(record T) bool {
		more = more && yield(record, nil)
		return more
	}
	refuse := func(err error) {
		more = more && yield(none, &RowError{File: l.path, Line: l.number, Err: err})
	}
	for first := true; more; {
		if l.number%checkEvery == 0 && ctx.Err() != nil {
			yield(none, ctx.Err())
			return false
		}
		line, err := l.next()
		if err == io.EOF {
			if first {
				l.number = 1
				refuse(errors.New("the file is empty"))
			}
			return more
		}
		if err != nil {
			yield(none, err)
			return false
		}
		if len(line) == 0 {
			if b, ok := r.(interface{ blank() }); ok {
				b.blank()
			}
			continue
		}
		if first {
			first = false
			header, err := r.head(line)
			if err != nil {
				yield(none, l.at(err))
				return false
			}
			if header {
				continue
			}
		}
		if err := r.row(line, emit); err != nil {
			refuse(err)
		}
	}
	return false
}
