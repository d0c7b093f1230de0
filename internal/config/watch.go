package config

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must have been left alone before it is read: editors
// write in several steps.
const settle = 200 * time.Millisecond

// Watch loads the file at path again whenever it changes, and whenever again
// receives, until ctx ends. What loads is handed to apply; what does not, or
// what apply refuses, is logged and changes nothing. It watches the folder, so
// it sees files replaced by rename and mounted by link.
func Watch(ctx context.Context, path string, environ []string, again <-chan os.Signal, log *slog.Logger, apply func(*Config) error) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch configuration: %w", err)
	}
	defer watcher.Close()
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		return fmt.Errorf("watch configuration: %w", err)
	}
	last, _ := os.ReadFile(path) // what the caller has loaded; unreadable counts as changed later
	quiet := time.NewTimer(settle)
	quiet.Stop()
	for {
		forced := false
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Events:
			quiet.Reset(settle)
			continue
		case err := <-watcher.Errors:
			log.Warn("watching the configuration", "error", err)
			continue
		case <-again:
			forced = true
		case <-quiet.C:
		}
		data, err := os.ReadFile(path)
		if err == nil && !forced && bytes.Equal(data, last) {
			continue
		}
		last = data
		next, err := Load(path, environ)
		if err == nil {
			err = apply(next)
		}
		if err != nil {
			log.Error("configuration refused, the old one stays", "path", path, "error", err)
			continue
		}
		log.Info("configuration reloaded", "path", path)
	}
}
