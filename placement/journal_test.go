package placement_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/auspex-project/auspex/placement"
)

// memoryJournal is a Journal that outlives a Service, though not the process.
type memoryJournal struct {
	mu       sync.Mutex
	records  []placement.Record
	broken   bool // appends fail
	compacts int
}

var errDisk = errors.New("disk is full")

func (j *memoryJournal) setBroken(broken bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = broken
}

func (j *memoryJournal) compacted() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.compacts
}

func (j *memoryJournal) Append(records ...placement.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		return errDisk
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

func (j *memoryJournal) Replay() iter.Seq2[placement.Record, error] {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := slices.Clone(j.records)
	return func(yield func(placement.Record, error) bool) {
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

func (j *memoryJournal) Compact(content func() placement.Snapshot) error {
	taken := content()
	var state []placement.Record
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
		return errDisk
	}
	j.compacts++
	later := slices.DeleteFunc(slices.Clone(j.records), func(r placement.Record) bool { return r.Seq <= taken.UpTo })
	j.records = append(state, later...)
	return nil
}
