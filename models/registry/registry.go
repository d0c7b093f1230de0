// Package registry keeps fitted models on disk: every artefact a directory
// named by its ULID that is never changed once it is there, and one file that
// says which artefacts are in service.
//
//	REGISTRY/
//	  champions.json                 which artefact serves what, and what did before
//	  01JD.../meta.json              what it is, fitted on what, a checksum per file
//	  01JD.../peak.gbdt, ...         the model itself
//
// Directories and the pointer file are written aside, synced and renamed, so a
// crash leaves the old state or the new one. An artefact of an unknown version
// or with a wrong checksum is refused; what it served falls back.
package registry

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Errors that callers test for with errors.Is.
var (
	ErrNotFound = errors.New("no such artefact")
	ErrCorrupt  = errors.New("artefact is corrupt")
	ErrVersion  = errors.New("unknown format version")
	ErrInUse    = errors.New("artefact is in use")
)

// Registry is a folder of artefacts. All methods are safe for concurrent use,
// by several processes too.
type Registry struct {
	dir string
}

// Open returns the registry in dir, which it makes where there is none.
func Open(dir string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open model registry: %w", err)
	}
	return &Registry{dir: dir}, nil
}

// Dir returns the folder of the registry.
func (r *Registry) Dir() string { return r.dir }

// stagingPrefix marks artefacts that are still being written, or removed. What a
// crash leaves behind is removed by the next Save an hour later.
const stagingPrefix = ".new-"

// Save stores an artefact and returns its meta with ID, Version, Created and
// Files filled in. When it returns nil the artefact survives a crash. It is not
// in service until promoted.
func (r *Registry) Save(m Meta, files map[string][]byte) (Meta, error) {
	m.Version = metaVersion
	m.Created = time.Now().UTC().Truncate(time.Millisecond)
	m.ID = ulid.MustNew(ulid.Timestamp(m.Created), rand.Reader).String()
	m.Files = checksums(files)
	if err := m.check(); err != nil {
		return Meta{}, fmt.Errorf("save artefact: %w", err)
	}
	r.sweep()
	staging := filepath.Join(r.dir, stagingPrefix+m.ID)
	if err := writeArtefact(staging, m, files); err != nil {
		os.RemoveAll(staging)
		return Meta{}, fmt.Errorf("save artefact %s: %w", m.ID, err)
	}
	if err := os.Rename(staging, filepath.Join(r.dir, m.ID)); err != nil {
		os.RemoveAll(staging)
		return Meta{}, fmt.Errorf("save artefact %s: %w", m.ID, err)
	}
	if err := syncDir(r.dir); err != nil {
		return Meta{}, fmt.Errorf("save artefact %s: %w", m.ID, err)
	}
	return m, nil
}

func writeArtefact(dir string, m Meta, files map[string][]byte) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := writeSynced(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	meta, err := m.encode()
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, metaFile), meta); err != nil {
		return err
	}
	return syncDir(dir)
}

// Meta returns what an artefact says of itself, its files unread. The error
// wraps ErrNotFound, ErrCorrupt or ErrVersion.
func (r *Registry) Meta(id string) (Meta, error) {
	if _, err := ulid.ParseStrict(id); err != nil {
		return Meta{}, fmt.Errorf("artefact %q: %w: not an id", id, ErrNotFound)
	}
	data, err := os.ReadFile(filepath.Join(r.dir, id, metaFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, statErr := os.Stat(filepath.Join(r.dir, id)); statErr == nil {
			return Meta{}, fmt.Errorf("artefact %s: %w: no %s", id, ErrCorrupt, metaFile)
		}
		return Meta{}, fmt.Errorf("artefact %s: %w in %s", id, ErrNotFound, r.dir)
	case err != nil:
		return Meta{}, fmt.Errorf("artefact %s: %w", id, err)
	}
	m, err := decodeMeta(data)
	if err != nil {
		return Meta{}, fmt.Errorf("artefact %s: %w", id, err)
	}
	if m.ID != id {
		return Meta{}, fmt.Errorf("artefact %s: %w: %s is that of %s", id, ErrCorrupt, metaFile, m.ID)
	}
	return m, nil
}

// Load returns an artefact and its files by name, all checksums verified.
func (r *Registry) Load(id string) (Meta, map[string][]byte, error) {
	m, err := r.Meta(id)
	if err != nil {
		return Meta{}, nil, err
	}
	files := map[string][]byte{}
	for _, f := range m.Files {
		data, err := os.ReadFile(filepath.Join(r.dir, id, f.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Meta{}, nil, fmt.Errorf("artefact %s: %w: no %s", id, ErrCorrupt, f.Name)
		case err != nil:
			return Meta{}, nil, fmt.Errorf("artefact %s: %w", id, err)
		}
		if err := f.verify(data); err != nil {
			return Meta{}, nil, fmt.Errorf("artefact %s: %w", id, err)
		}
		files[f.Name] = data
	}
	return m, files, nil
}

// Entry is an artefact in a listing. Err says why one cannot be used.
type Entry struct {
	Meta Meta
	Err  error
}

// List returns all artefacts, newest first. Those that cannot be read are in it
// with their error and id.
func (r *Registry) List() ([]Entry, error) {
	dirs, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, fmt.Errorf("list model registry: %w", err)
	}
	var entries []Entry
	for _, d := range dirs {
		if _, err := ulid.ParseStrict(d.Name()); err != nil || !d.IsDir() {
			continue
		}
		m, err := r.Meta(d.Name())
		m.ID = d.Name()
		entries = append(entries, Entry{m, err})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(b.Meta.ID, a.Meta.ID) })
	return entries, nil
}

// Remove deletes an artefact. The error wraps ErrInUse where it is referred to.
func (r *Registry) Remove(id string) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	c, err := r.Champions()
	if err != nil {
		return err
	}
	for role, s := range c {
		if slices.Contains(s.references(), id) {
			return fmt.Errorf("remove artefact %s: %w by %s", id, ErrInUse, role)
		}
	}
	if _, err := r.Meta(id); errors.Is(err, ErrNotFound) {
		return err
	}
	return r.remove(id)
}

// remove deletes an artefact. It is renamed first, so that nobody sees half of it;
// what a crash leaves of that is swept up later.
func (r *Registry) remove(id string) error {
	gone := filepath.Join(r.dir, stagingPrefix+id)
	if err := os.Rename(filepath.Join(r.dir, id), gone); err != nil {
		return fmt.Errorf("remove artefact %s: %w", id, err)
	}
	return os.RemoveAll(gone)
}

// sweep removes what crashed saves left behind.
func (r *Registry) sweep() {
	dirs, err := os.ReadDir(r.dir)
	if err != nil {
		return
	}
	for _, d := range dirs {
		info, err := d.Info()
		if err == nil && strings.HasPrefix(d.Name(), stagingPrefix) && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(filepath.Join(r.dir, d.Name()))
		}
	}
}
