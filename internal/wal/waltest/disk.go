// Package waltest provides a disk in memory that runs full, fails and loses
// power on demand, for tests of the log and of what is built on it.
package waltest

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/auspex-project/auspex/internal/wal"
)

// Disk is a file system in memory. Its methods are safe for concurrent use.
// Directories exist without being made.
type Disk struct {
	mu struct {
		sync.Mutex
		files    map[string]*content
		durable  map[string]*content // the directory entries that survive a loss of power
		locked   map[string]bool
		free     int64
		writeErr error
		syncErr  error
		age      int // counts losses of power
	}
}

// content is what one file holds.
type content struct {
	data   []byte
	synced []byte // what survives a loss of power; may share data's array, is never written
}

// NewDisk returns an empty disk on which files may grow by free bytes together.
func NewDisk(free int64) *Disk {
	d := &Disk{}
	d.mu.files = map[string]*content{}
	d.mu.durable = map[string]*content{}
	d.mu.locked = map[string]bool{}
	d.mu.free = free
	return d
}

// SetFree sets how many bytes files may still grow together. A write beyond
// that is cut short with ENOSPC.
func (d *Disk) SetFree(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.free = bytes
}

// FailWrites makes every write fail with err half way through; nil mends it.
func (d *Disk) FailWrites(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.writeErr = err
}

// FailSyncs makes every sync of a file fail with err; nil mends it.
func (d *Disk) FailSyncs(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.syncErr = err
}

// Crash is a loss of power: what was not synced is gone, except for the first
// keep bytes of each file from where it had changed. Locks are free again and files
// opened before can no longer be used.
func (d *Disk) Crash(keep int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.age++
	clear(d.mu.locked)
	d.mu.files = maps.Clone(d.mu.durable)
	for _, c := range d.mu.files {
		if len(c.data) >= len(c.synced) {
			from := 0
			for from < len(c.synced) && c.data[from] == c.synced[from] {
				from++
			}
			to := min(from+keep, len(c.data))
			c.synced = slices.Concat(c.data[:to], c.synced[min(to, len(c.synced)):])
		}
		c.data = bytes.Clone(c.synced)
	}
}

// Put creates or replaces a file, durably.
func (d *Disk) Put(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &content{data: bytes.Clone(data), synced: bytes.Clone(data)}
	d.mu.files[name], d.mu.durable[name] = c, c
}

// Files returns the names of the files in dir, sorted, and their contents.
func (d *Disk) Files(dir string) (names []string, contents map[string][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	contents = map[string][]byte{}
	for name, c := range d.mu.files {
		if filepath.Dir(name) == filepath.Clean(dir) {
			contents[name] = bytes.Clone(c.data)
		}
	}
	return slices.Sorted(maps.Keys(contents)), contents
}

// OpenFile opens a file, creating or emptying it as flag says.
func (d *Disk) OpenFile(name string, flag int) (wal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.mu.files[name]
	switch {
	case c == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case c == nil:
		c = &content{}
		d.mu.files[name] = c
	case flag&os.O_TRUNC != 0:
		d.mu.free += int64(len(c.data))
		c.data = nil
	}
	return &file{content: c, disk: d, name: name, age: d.mu.age}, nil
}

// ReadDir lists the files in dir.
func (d *Disk) ReadDir(dir string) ([]fs.DirEntry, error) {
	names, contents := d.Files(dir)
	entries := make([]fs.DirEntry, len(names))
	for i, name := range names {
		entries[i] = fs.FileInfoToDirEntry(entry{filepath.Base(name), int64(len(contents[name]))})
	}
	return entries, nil
}

// MkdirAll does nothing.
func (d *Disk) MkdirAll(string) error { return nil }

// Remove removes a file and gives its space back.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.mu.files[name]
	if c == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	d.mu.free += int64(len(c.data))
	delete(d.mu.files, name)
	return nil
}

// Rename moves a file, in place of one that has the name.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.mu.files[from]
	if c == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if old := d.mu.files[to]; old != nil {
		d.mu.free += int64(len(old.data))
	}
	d.mu.files[to] = c
	delete(d.mu.files, from)
	return nil
}

// SyncDir makes creations, renames and removals in dir durable.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.syncErr != nil {
		return &fs.PathError{Op: "sync", Path: dir, Err: d.mu.syncErr}
	}
	d.mu.durable = maps.Clone(d.mu.files)
	return nil
}

// Lock takes a lock that Crash or closing it frees.
func (d *Disk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.locked[name] {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: wal.ErrLocked}
	}
	d.mu.locked[name] = true
	return lock{d, name, d.mu.age}, nil
}

type lock struct {
	disk *Disk
	name string
	age  int
}

func (l lock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.age == l.disk.mu.age {
		delete(l.disk.mu.locked, l.name)
	}
	return nil
}

// file is one open file.
type file struct {
	*content
	disk *Disk
	name string
	age  int
}

// enter locks the disk for an operation of f.
func (f *file) enter(op string) (leave func(), err error) {
	f.disk.mu.Lock()
	if f.age != f.disk.mu.age {
		f.disk.mu.Unlock()
		return nil, &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return f.disk.mu.Unlock, nil
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	leave, err := f.enter("read")
	if err != nil {
		return 0, err
	}
	defer leave()
	return bytes.NewReader(f.data).ReadAt(p, off)
}

func (f *file) WriteAt(p []byte, off int64) (n int, err error) {
	leave, err := f.enter("write")
	if err != nil {
		return 0, err
	}
	defer leave()
	if err = f.disk.mu.writeErr; err != nil {
		p = p[:len(p)/2]
	}
	growth := max(off+int64(len(p))-int64(len(f.data)), 0)
	if growth > f.disk.mu.free {
		p = p[:max(int64(len(p))-(growth-f.disk.mu.free), 0)]
		growth = f.disk.mu.free
		err = syscall.ENOSPC
	}
	f.disk.mu.free -= growth
	if off < int64(len(f.synced)) {
		f.data = bytes.Clone(f.data)
	}
	f.data = append(f.data, make([]byte, growth)...)
	n = copy(f.data[min(off, int64(len(f.data))):], p)
	if err != nil {
		err = &fs.PathError{Op: "write", Path: f.name, Err: err}
	}
	return n, err
}

func (f *file) Size() (int64, error) {
	leave, err := f.enter("stat")
	if err != nil {
		return 0, err
	}
	defer leave()
	return int64(len(f.data)), nil
}

func (f *file) Truncate(size int64) error {
	leave, err := f.enter("truncate")
	if err != nil {
		return err
	}
	defer leave()
	f.disk.mu.free += int64(len(f.data)) - size
	f.data = f.data[:size:size]
	return nil
}

func (f *file) Sync() error {
	leave, err := f.enter("sync")
	if err != nil {
		return err
	}
	defer leave()
	if err := f.disk.mu.syncErr; err != nil {
		return &fs.PathError{Op: "sync", Path: f.name, Err: err}
	}
	f.synced = f.data[:len(f.data):len(f.data)]
	return nil
}

func (f *file) Close() error { return nil }

// entry describes a file in a listing.
type entry struct {
	name string
	size int64
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) Mode() fs.FileMode  { return 0o600 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return false }
func (e entry) Sys() any           { return nil }
