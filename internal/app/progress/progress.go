// Package progress tells a person how far long work has come: a bar on a
// terminal, a line now and then elsewhere. It writes to stderr's stand-in and
// never to the command's result.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// lineEvery spaces the lines printed where there is no terminal.
const lineEvery = 5 * time.Second

// Progress reports the state of one piece of work. The zero value is silent.
// It is safe for concurrent use.
type Progress struct {
	mu struct {
		sync.Mutex
		bar   *progressbar.ProgressBar
		lines io.Writer
		next  time.Time
	}
	title string
	unit  string
	total int64
	start time.Time
}

// New starts reporting work of total units to w: a bar where w is a terminal,
// lines elsewhere. A total of 0 or less is unknown.
func New(w io.Writer, title, unit string, total int64) *Progress {
	p := &Progress{title: title, unit: unit, total: total, start: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if total <= 0 {
			total = -1
		}
		p.mu.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(title),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
		return p
	}
	p.mu.lines = w
	p.mu.next = p.start.Add(lineEvery)
	return p
}

// Set says that done units are complete.
func (p *Progress) Set(done int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.bar != nil {
		p.mu.bar.Set64(done)
		return
	}
	if now := time.Now(); p.mu.lines != nil && !now.Before(p.mu.next) {
		p.mu.next = now.Add(lineEvery)
		p.line(done, now)
	}
}

// Share says that done units are complete, and that this is part of whole of
// something else whose size is known, such as the bytes of a file.
func (p *Progress) Share(done, part, whole int64) {
	if whole > 0 && part > 0 {
		p.mu.Lock()
		p.total = max(done, int64(float64(done)*float64(whole)/float64(part)))
		if p.mu.bar != nil {
			p.mu.bar.ChangeMax64(p.total)
		}
		p.mu.Unlock()
	}
	p.Set(done)
}

// Done ends the report at done units.
func (p *Progress) Done(done int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.bar != nil {
		p.mu.bar.Finish()
	}
	if p.mu.lines != nil {
		if p.total > 0 {
			p.total = done // what Share guessed is known now
		}
		p.line(done, time.Now())
	}
}

func (p *Progress) line(done int64, now time.Time) {
	elapsed := now.Sub(p.start)
	share := ""
	if p.total > 0 {
		share = fmt.Sprintf(" of %d (%.0f %%)", p.total, 100*float64(done)/float64(p.total))
	}
	rate := ""
	if r := float64(done) / max(elapsed.Seconds(), 1e-3); r >= 10 {
		rate = fmt.Sprintf(", %.0f/s", r)
	}
	fmt.Fprintf(p.mu.lines, "%s: %d%s %s, %v%s\n", p.title, done, share, p.unit, elapsed.Round(100*time.Millisecond), rate)
}

// Phases reports work of several phases, each by a Progress of its own.
func Phases(w io.Writer) func(phase string, done, total int) {
	bar, current, last := new(Progress), "", int64(0)
	return func(phase string, done, total int) {
		if phase != current {
			bar.Done(last)
			bar, current = New(w, phase, "steps", int64(total)), phase
		}
		last = int64(done)
		bar.Set(last)
	}
}
