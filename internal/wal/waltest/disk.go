// Package waltest provides a disk that runs full and fails on demand, for tests
// of the log and of what is built on it.
package waltest

import (
	"os"
	"sync"
	"syscall"

	"github.com/auspex-project/auspex/internal/wal"
)

// Disk is the operating system's file system with a limited size and with
// errors to order. Its methods are safe for concurrent use. The zero value has no
// space; NewDisk gives one with plenty.
type Disk struct {
	wal.OS
	mu struct {
		sync.Mutex
		free     int64
		writeErr error
		syncErr  error
	}
}

// NewDisk returns a disk with the given number of free bytes.
func NewDisk(free int64) *Disk {
	d := &Disk{}
	d.SetFree(free)
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

// FailSyncs makes every fsync of a file fail with err; nil mends it.
func (d *Disk) FailSyncs(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.syncErr = err
}

// take reserves up to n bytes and says how many it got.
func (d *Disk) take(n int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = min(n, max(d.mu.free, 0))
	d.mu.free -= n
	return n
}

func (d *Disk) give(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.free += n
}

func (d *Disk) errs() (write, sync error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.writeErr, d.mu.syncErr
}

// OpenFile opens a file whose growth counts against the disk.
func (d *Disk) OpenFile(name string, flag int) (wal.File, error) {
	f, err := d.OS.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return &file{File: f, disk: d, name: name}, nil
}

// Remove removes a file and gives its space back.
func (d *Disk) Remove(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if err := d.OS.Remove(name); err != nil {
		return err
	}
	d.give(info.Size())
	return nil
}

type file struct {
	wal.File
	disk *Disk
	name string
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err, _ := f.disk.errs(); err != nil {
		n, _ := f.write(p[:len(p)/2], off)
		return n, &os.PathError{Op: "write", Path: f.name, Err: err}
	}
	return f.write(p, off)
}

func (f *file) write(p []byte, off int64) (int, error) {
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	growth := max(off+int64(len(p))-size, 0)
	got := f.disk.take(growth)
	n, err := f.File.WriteAt(p[:int64(len(p))-(growth-got)], off)
	if err == nil && got < growth {
		err = &os.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, err
}

func (f *file) Truncate(size int64) error {
	before, err := f.Size()
	if err != nil {
		return err
	}
	if err := f.File.Truncate(size); err != nil {
		return err
	}
	f.disk.give(before - size)
	return nil
}

func (f *file) Sync() error {
	if _, err := f.disk.errs(); err != nil {
		return &os.PathError{Op: "sync", Path: f.name, Err: err}
	}
	return f.File.Sync()
}
