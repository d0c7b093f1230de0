package config

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must have been left alone before it is read: editors
// write in several steps.
const settle = 200 * time.Millisecond

// Watch loads the file at path again whenever it changes, and whenever again
// receives, until ctx ends; first of all if it is no longer what was loaded as
// running. What loads and differs is handed to apply; what does not load, or
// what apply refuses, is logged and changes nothing. It watches the folder, so
// it sees files replaced by rename and mounted by link.
func Watch(ctx context.Context, path string, environ []string, running *Config, again <-chan os.Signal, log *slog.Logger, apply func(*Config) error) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch configuration: %w", err)
	}
	defer watcher.Close()
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		return fmt.Errorf("watch configuration: %w", err)
	}
	w := watch{path: path, environ: environ, running: running, log: log, apply: apply}
	w.reload(false) // it may have changed before the watch stood
	quiet := time.NewTimer(settle)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Events:
			quiet.Reset(settle)
		case err := <-watcher.Errors:
			log.Warn("watching the configuration", "error", err)
		case <-again:
			w.reload(true)
		case <-quiet.C:
			w.reload(false)
		}
	}
}

type watch struct {
	path    string
	environ []string
	running *Config
	seen    []byte // what was last read, good or bad; nil before
	log     *slog.Logger
	apply   func(*Config) error
}

// reload applies the file if it differs from what is running. Unless asked for,
// it says nothing about contents it has seen before.
func (w *watch) reload(asked bool) {
	data, err := os.ReadFile(w.path)
	if err == nil && !asked && w.seen != nil && bytes.Equal(data, w.seen) {
		return
	}
	first := w.seen == nil
	var next *Config
	if err == nil {
		w.seen = append([]byte{}, data...)
		next, err = parse(w.path, data, w.environ)
	}
	if err == nil && reflect.DeepEqual(next, w.running) {
		if asked || !first {
			w.log.Info("configuration unchanged", "path", w.path)
		}
		return
	}
	if err == nil {
		err = w.apply(next)
	}
	if err != nil {
		w.log.Error("configuration refused, the old one stays", "path", w.path, "error", err)
		return
	}
	w.running = next
	w.log.Info("configuration reloaded", "path", w.path)
}
