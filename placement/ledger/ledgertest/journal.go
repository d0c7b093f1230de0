package ledgertest

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/auspex-project/auspex/placement/ledger"
)

// Journal is a ledger.Journal that outlives a Service, though not the process. It is
// ready for use as it is.
type Journal struct {
	mu       sync.Mutex
	snapshot []ledger.Record
	upTo     uint64          // number of the snapshot
	records  []ledger.Record // appended
	broken   bool            // appends fail
	compacts int
}

// ErrDisk is what a broken Journal says.
var ErrDisk = errors.New("disk is full")

// SetBroken makes j refuse to write, or lets it again.
func (j *Journal) SetBroken(broken bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = broken
}

// Compacted returns how often j was compacted.
func (j *Journal) Compacted() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.compacts
}

// Append keeps records.
func (j *Journal) Append(records ...ledger.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		return ErrDisk
	}
	for _, r := range records {
		if r.Reserved != nil { // keep what it said, not what becomes of it
			held := *r.Reserved
			r.Reserved = &held
		}
		j.records = append(j.records, r)
	}
	return nil
}

// Replay yields what was kept.
func (j *Journal) Replay() iter.Seq2[ledger.Record, error] {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := slices.Concat(j.snapshot, slices.DeleteFunc(slices.Clone(j.records), func(r ledger.Record) bool { return r.Seq <= j.upTo }))
	if j.upTo > 0 {
		records = slices.Insert(records, 0, ledger.Record{Seq: j.upTo, Kind: ledger.SnapshotTaken})
	}
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range records {
			if r.Reserved != nil {
				held := *r.Reserved
				r.Reserved = &held
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Compact keeps the snapshot and what came since.
func (j *Journal) Compact(content func() ledger.Snapshot) error {
	taken := content()
	var state []ledger.Record
	for r := range taken.Records {
		if r.Reserved != nil { // valid until the next
			held, w := *r.Reserved, *r.Reserved.Workload
			held.Workload, r.Reserved = &w, &held
		}
		state = append(state, r)
	}
	if len(state) != taken.Count {
		return fmt.Errorf("%d records, not %d", len(state), taken.Count)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		return ErrDisk
	}
	j.compacts++
	j.snapshot, j.upTo = state, taken.UpTo
	j.records = slices.DeleteFunc(slices.Clone(j.records), func(r ledger.Record) bool { return r.Seq <= taken.UpTo })
	return nil
}
