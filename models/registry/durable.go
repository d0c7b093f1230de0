package registry

import (
	"os"
	"path/filepath"
)

// writeSynced writes a new file that survives a crash once its folder is synced.
func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// replace puts data in the place of path at once: a reader sees the old file or
// the new one. Callers take turns.
func replace(path string, data []byte) error {
	aside := path + ".tmp"
	if err := os.Remove(aside); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := writeSynced(aside, data); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames within dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
