package training

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/backtest/plot"
)

// pageFolder is the name of a night's folder, by when it began: names sort by time.
const pageFolder = "20060102T150405Z"

// WritePage writes the report into a folder of its own in dir: report.md, and per
// resource a folder of pictures (SVG and PNG). It returns the page's path.
func (r *Report) WritePage(dir string) (path string, err error) {
	dir = filepath.Join(dir, r.Started.Format(pageFolder))
	for i := range r.Machines {
		m := &r.Machines[i]
		if !m.judged() {
			continue
		}
		pictures := filepath.Join(dir, m.Resource)
		if err := os.MkdirAll(pictures, 0o700); err != nil {
			return "", fmt.Errorf("write report: %w", err)
		}
		drawing, worst := m.Drawing(r.Horizon)
		if _, err := plot.Write(pictures, drawing, worst); err != nil {
			return "", fmt.Errorf("write report: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	path = filepath.Join(dir, "report.md")
	if err := os.WriteFile(path, []byte(r.Markdown()), 0o600); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	return path, nil
}

// PrunePages removes the oldest pages of dir, so that with this report's there are
// at most keep. Only what WritePage has made is touched. What went is in Pruned,
// what would not go in Warnings.
func (r *Report) PrunePages(dir string, keep int) {
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
