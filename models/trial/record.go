package trial

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Record is what came of past forecasts in service, by class, resource and model.
// It has one owner.
type Record struct {
	Levels  []float64 // of the quantiles that were forecast, rising
	entries []*Entry
}

// Entry is the record of one model on one resource of one class.
type Entry struct {
	Class    string `json:"class"`
	Resource string `json:"resource"`
	Model    string `json:"model"`
	Tally    *Tally `json:"cases"` // measures: a miss by level, the loss, the loss minus the champion's
}

// Of returns the entry of a model, nil where it has no case.
func (r *Record) Of(class, resource, model string) *Entry {
	for _, e := range r.entries {
		if e.Class == class && e.Resource == resource && e.Model == model {
			return e
		}
	}
	return nil
}

// Entries returns all entries, by class, resource and model.
func (r *Record) Entries() []*Entry { return r.entries }

// Count adds a case: which levels were passed, the loss, and by how much it lies
// above the champion's.
func (r *Record) Count(class, resource, model, app string, at time.Time, missed []bool, loss, toChampion float64) {
	e := r.Of(class, resource, model)
	if e == nil {
		e = &Entry{class, resource, model, &Tally{}}
		at, _ := slices.BinarySearchFunc(r.entries, e, compareEntries)
		r.entries = slices.Insert(r.entries, at, e)
	}
	measures := make([]float64, len(r.Levels), len(r.Levels)+2)
	for i, m := range missed {
		if m {
			measures[i] = 1
		}
	}
	e.Tally.Add(app, at, append(measures, loss, toChampion)...)
}

// Forget drops days that ended before a time, and models without a case since.
func (r *Record) Forget(before time.Time) {
	r.entries = slices.DeleteFunc(r.entries, func(e *Entry) bool {
		e.Tally.Forget(before)
		return e.Tally.Cases() == 0
	})
}

// Drop forgets entries.
func (r *Record) Drop(of func(*Entry) bool) { r.entries = slices.DeleteFunc(r.entries, of) }

// Misses estimates how often the quantile of a level was passed.
func (r *Record) Misses(e *Entry, level float64) Estimate {
	return e.Tally.Estimate(slices.Index(r.Levels, level))
}

// Loss estimates the mean loss, and ToChampion by how much it lies above that of
// the champion on the same cases.
func (r *Record) Loss(e *Entry) Estimate       { return e.Tally.Estimate(len(r.Levels)) }
func (r *Record) ToChampion(e *Entry) Estimate { return e.Tally.Estimate(len(r.Levels) + 1) }

// Broken says which promise an entry is shown to break, "" where none is.
func (r *Record) Broken(e *Entry) string {
	for _, level := range promised {
		if misses := r.Misses(e, level); Broken(level, misses) {
			return Describe(level, misses)
		}
	}
	return ""
}

// Pooled returns the cases of a model on a resource over some classes as one
// entry.
func (r *Record) Pooled(resource, model string, of func(class string) bool) *Entry {
	all := &Entry{Class: "*", Resource: resource, Model: model, Tally: &Tally{}}
	for _, e := range r.entries {
		if e.Resource == resource && e.Model == model && of(e.Class) {
			for _, p := range e.Tally.places() {
				c := e.Tally.cells[p]
				all.Tally.add(p, c.cases, c.sums)
			}
		}
	}
	return all
}

type recordContent struct {
	Version int       `json:"version"`
	Levels  []float64 `json:"levels"`
	Entries []*Entry  `json:"entries"`
}

const recordVersion = 1

// MarshalJSON writes the whole record.
func (r *Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(recordContent{recordVersion, r.Levels, r.entries})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(data []byte) error {
	var c recordContent
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Version != recordVersion {
		return fmt.Errorf("record of forecasts has version %d, this program knows %d", c.Version, recordVersion)
	}
	for _, e := range c.Entries {
		if e == nil || e.Tally == nil || len(e.Tally.cells) > 0 && e.Tally.width != len(c.Levels)+2 {
			return fmt.Errorf("record of forecasts: an entry without its %d measures", len(c.Levels)+2)
		}
	}
	if !slices.IsSortedFunc(c.Entries, compareEntries) || !slices.IsSorted(c.Levels) {
		return fmt.Errorf("record of forecasts: not in order")
	}
	*r = Record{c.Levels, c.Entries}
	return nil
}

func compareEntries(a, b *Entry) int {
	return slices.Compare([]string{a.Class, a.Resource, a.Model}, []string{b.Class, b.Resource, b.Model})
}
