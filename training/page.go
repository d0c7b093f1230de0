package training

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/auspex-project/auspex/models/backtest/plot"
)

// WritePage writes the report into a folder of its own: report.md, and per
// resource a folder of pictures (SVG and PNG). It returns the page's path.
func (r *Report) WritePage(dir string) (path string, err error) {
	for i := range r.Machines {
		m := &r.Machines[i]
		if len(m.Contestants) == 0 {
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
