// Package page shows a night of training to people: a page of Markdown with pictures
// of what was promised and kept, and the same as tables.
package page

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/backtest/plot"
	"github.com/auspex-project/auspex/training"
)

// pageFolder is the name of a night's folder, by when it began: names sort by time.
const pageFolder = "20060102T150405Z"

// Write writes the report into a folder of its own in dir: report.md, and per
// resource a folder of pictures (SVG and PNG). It returns the page's path.
func Write(r *training.Report, dir string) (path string, err error) {
	dir = filepath.Join(dir, r.Started.Format(pageFolder))
	for i := range r.Machines {
		m := &r.Machines[i]
		if !m.Judged() {
			continue
		}
		pictures := filepath.Join(dir, m.Resource)
		if err := os.MkdirAll(pictures, 0o700); err != nil {
			return "", fmt.Errorf("write report: %w", err)
		}
		if _, err := plot.Write(pictures, drawing(m, r.Horizon), m.Worst); err != nil {
			return "", fmt.Errorf("write report: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	path = filepath.Join(dir, "report.md")
	if err := os.WriteFile(path, []byte(Markdown(r)), 0o600); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	return path, nil
}

// Prune removes the oldest pages of dir, so that with r's there are at most keep.
// Only what Write has made is touched. What went is in r's Pruned, what would not go
// in its Warnings.
func Prune(r *training.Report, dir string, keep int) {
	pages, err := filepath.Glob(filepath.Join(dir, "*T*Z"))
	if err != nil {
		return // the pattern is well formed
	}
	own := r.Started.Format(pageFolder)
	pages = slices.DeleteFunc(pages, func(path string) bool {
		_, err := time.Parse(pageFolder, filepath.Base(path))
		return err != nil || filepath.Base(path) == own
	})
	slices.Sort(pages)
	for _, path := range pages[:max(0, len(pages)-keep+1)] {
		if err := os.RemoveAll(path); err != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("an old report is not removed: %v", err))
			continue
		}
		r.Pruned.Pages = append(r.Pruned.Pages, filepath.Base(path))
	}
}
