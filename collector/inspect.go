package collector

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/auspex-project/auspex/internal/wal"
)

// SpoolState is what a look at a spool found.
type SpoolState struct {
	Waiting int   // samples the store does not have yet
	Bytes   int64 // of the spool's files
	Damaged []error
	Torn    bool // it ends in samples that are not whole: torn by a crash, and never accepted, or being written
}

// Inspect looks at the spool in dir, be it in use, and changes nothing. A folder
// that is not there is an error of fs.ErrNotExist.
func Inspect(dir string) (SpoolState, error) {
	shipped, err := wal.ReadCursor(nil, filepath.Join(dir, cursorName))
	if err != nil {
		return SpoolState{}, fmt.Errorf("look at spool: %w", err)
	}
	log, err := wal.OpenReadOnly(dir, wal.Options{Start: shipped})
	if err != nil {
		return SpoolState{}, fmt.Errorf("look at spool: %w", err)
	}
	state := SpoolState{Bytes: log.Bytes(), Torn: log.Torn()}
	reader := log.Read(max(shipped, log.First()))
	defer reader.Close()
	for {
		_, err := reader.Next()
		var corrupt *wal.CorruptError
		switch {
		case err == io.EOF:
			return state, nil
		case errors.As(err, &corrupt):
			state.Damaged = append(state.Damaged, err)
		case err != nil:
			return state, fmt.Errorf("look at spool: %w", err)
		default:
			state.Waiting++
		}
	}
}
