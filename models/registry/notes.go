package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Notes are files beside the artefacts, replaced at once and by one writer at a
// time: what became of forecasts, and what a night has done so far. They are not
// synced: a machine that crashes may lose the newest, and readers begin anew.
const (
	RecordNote  = "record.json"  // of forecasts in service, a trial.Record
	PledgesNote = "pledges.json" // forecasts whose time has not come
	NodesNote   = "nodes.json"   // what became of promises for nodes
	SlotsNote   = "slots.json"   // what became of slots told by profilers that are tried
	NightNote   = "night.json"   // how far an interrupted night got
)

// WriteNote replaces a note.
func (r *Registry) WriteNote(name string, data []byte) error {
	unlock, err := r.lock()
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer unlock()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path+".tmp", data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// ReadNote returns a note. The error wraps fs.ErrNotExist where there is none.
func (r *Registry) ReadNote(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// DecodeNote reads a note of JSON into a value, which it leaves alone where there is none.
func (r *Registry) DecodeNote(name string, into any) error {
	data, err := r.ReadNote(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// EncodeNote replaces a note by a value as JSON.
func (r *Registry) EncodeNote(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return r.WriteNote(name, data)
}

// RemoveNote deletes a note, if it is there.
func (r *Registry) RemoveNote(name string) error {
	if err := os.Remove(filepath.Join(r.dir, name)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}
