package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/internal/config"
	"github.com/auspex-project/auspex/internal/store/journal"
	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement/ledger"
)

// looks is how often something in use is looked at before what seems damaged is
// believed to be: it may have been rewritten meanwhile.
const looks = 3

func checkJournal(ctx context.Context, c *config.Config) (string, State, string) {
	const name = "journal"
	dir := c.Placement.JournalDir
	var text string
	var torn bool
	var err error
	for range looks {
		if text, torn, err = readJournal(ctx, dir); err == nil && !torn || errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name, Healthy, fmt.Sprintf("%s is not there yet: nothing has been placed", dir)
	case err != nil:
		return name, Failing, err.Error()
	case torn:
		return name, Warning, text + ": the last is not whole (torn by a crash before it was acknowledged, or damaged: the next start cuts it off; is the disk failing?)"
	}
	return withDisk(name, dir, text, "placements fail when it cannot be written")
}

// readJournal reads all of a journal and says what is in it, and whether it ends in a
// frame that is not whole.
func readJournal(ctx context.Context, dir string) (text string, torn bool, err error) {
	j, err := journal.OpenReadOnly(dir, journal.Options{})
	if err != nil {
		return "", false, err
	}
	defer j.Close()
	records, held := 0, make(map[string]bool) // by decision: a snapshot may say some of what the log says, too
	for r, err := range j.Replay() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return "", false, err
		}
		records++
		switch r.Kind {
		case ledger.SnapshotTaken:
			records--
		case ledger.WorkloadReserved:
			held[r.Reserved.Decision] = true
		case ledger.WorkloadReleased, ledger.WorkloadExpired:
			delete(held, r.Decision)
		}
	}
	readable := "all readable"
	if j.Torn() {
		readable = "readable but for the end"
	}
	return fmt.Sprintf("%d records, %s, workloads that hold a node: %d", records, readable, len(held)), j.Torn(), nil
}

func checkSpool(_ context.Context, c *config.Config) (string, State, string) {
	const name = "spool"
	dir := c.Collector.Spool.Dir
	var s collector.SpoolState
	var err error
	for range looks {
		if s, err = collector.Inspect(dir); err != nil || len(s.Damaged) == 0 && !s.Torn {
			break
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name, Healthy, fmt.Sprintf("%s is not there yet: nothing has been collected", dir)
	case err != nil:
		return name, Failing, err.Error()
	case len(s.Damaged) > 0:
		return name, Warning, fmt.Sprintf("%d places are damaged and will be passed over, the first: %v (is the disk failing?)", len(s.Damaged), s.Damaged[0])
	}
	text := fmt.Sprintf("%d samples wait for the store", s.Waiting)
	if s.Torn {
		return name, Warning, text + ": the last are not whole (torn by a crash before they were accepted, or damaged: the next start cuts them off; is the disk failing?)"
	}
	if limit := int64(c.Collector.Spool.MaxBytes); limit > 0 && s.Bytes > limit/2 {
		return name, Warning, text + ": it is more than half full, and the oldest go when it is (does the store answer?)"
	}
	return withDisk(name, dir, text, "samples are dropped when it cannot be written")
}

// slowSync is what an operator should hear of: each answer to a scheduler waits for a
// sync at least.
const slowSync = 10 * time.Millisecond

// withDisk adds to what was found in dir when it was last written, how fast its disk
// makes things durable and what is left of it.
func withDisk(check, dir, text, without string) (string, State, string) {
	if at, err := lastWritten(dir); err == nil {
		text += fmt.Sprintf(", last written %v ago", max(0, time.Since(at)).Round(time.Second))
	}
	median, worst, err := probeSync(dir)
	if err != nil {
		return check, Failing, fmt.Sprintf("%s; a file beside it cannot be written: %v (%s)", text, err, without)
	}
	text += fmt.Sprintf(", a sync takes %v, %v at worst", median.Round(10*time.Microsecond), worst.Round(10*time.Microsecond))
	if free, err := freeBytes(dir); err == nil && free < lowDisk {
		return check, Warning, fmt.Sprintf("%s; %s: %s", text, freeText(free), without)
	}
	if median > slowSync {
		return check, Warning, text + ": the disk is slow or busy, and what must be durable waits for it (put data_dir on a faster one)"
	}
	return check, Healthy, text
}

// lastWritten returns when a file in dir, or in a folder of it, was changed last.
func lastWritten(dir string) (newest time.Time, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return err
	})
	return newest, err
}

// probeSync times writes of 4 KiB, each made durable, to a file that it makes in dir
// and removes.
func probeSync(dir string) (median, worst time.Duration, err error) {
	const size, writes = 4 << 10, 20
	name := filepath.Join(dir, fmt.Sprintf(".doctor-%d", os.Getpid()))
	f, err := wal.OS{}.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(name)
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, size*writes), 0); err != nil {
		return 0, 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, 0, err
	}
	took := make([]time.Duration, writes)
	page := make([]byte, size)
	for i := range took {
		page[0] = byte(i + 1)
		start := time.Now()
		if _, err := f.WriteAt(page, int64(i*size)); err != nil {
			return 0, 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[writes/2], took[writes-1], nil
}

func freeBytes(dir string) (float64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return float64(stat.Bavail) * float64(stat.Bsize), nil
}
