package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"github.com/auspex-project/auspex/placement"
	"slices"
	"time"
)

// Archive keeps what decisions came from over a restart, for Explain alone: what
// is reserved is the journal's. Losing it loses explanations, nothing else.
type Archive interface {
	Save(data []byte) error // in place of what was there, all or nothing
	Load() ([]byte, error)  // nil when there is nothing
}

// The archive is written while decisions are made, and once more when the service
// stops. A crash loses what was decided since: seconds where there is little to
// write; where there is much, as long as writing it all again may take a hundredth of
// a processor, and minutes at most.
const (
	archiveSoonest = 10 * time.Second
	archiveLatest  = 5 * time.Minute
	archiveCost    = 100 // times what the last writing took
)

// untilArchive is how long after a writing that took so long the next one is due.
func untilArchive(took time.Duration) time.Duration {
	return min(max(archiveCost*took, archiveSoonest), archiveLatest)
}

// archived is a line of the archive: a vocabulary, numbered in their order, or a
// decision that speaks by one.
type archived struct {
	Version int              `json:"version,omitempty"` // on the first line, which says nothing else
	Words   *archivedWords   `json:"words,omitempty"`
	Made    *archivedVerdict `json:"made,omitempty"`
}

type archivedWords struct {
	Rules   []placement.Rejection `json:"rules"`
	Scorers []placement.ScoreLine `json:"scorers"`
	Parts   []float64             `json:"parts"`
}

type archivedVerdict struct {
	Decision   Decision  `json:"decision"`
	Phase      Phase     `json:"phase"`
	Words      int       `json:"words"` // -1 = none
	TurnedAway []int     `json:"turned_away,omitempty"`
	Candidates []string  `json:"candidates,omitempty"`
	Measured   []float32 `json:"measured,omitempty"`
}

const archiveVersion = 1

// archive returns the pages of single decisions and of members of gangs, oldest
// first, as lines of JSON. What cannot be written so, such as a measure that is
// not a number, is left out. After every few of them rest is called: it is a lot of
// work, and whoever decides should not wait for all of it. room is how many bytes it may
// come to.
func (b *book) archive(room int, rest func()) []byte {
	var out bytes.Buffer
	out.Grow(room)
	lines := json.NewEncoder(&out)
	line := func(a archived) bool { return lines.Encode(a) == nil }
	line(archived{Version: archiveVersion})
	numbers := map[*placement.Vocabulary]int{nil: -1}
	for from, pages := b.copies(0); len(pages) > 0; from, pages = b.copies(from) {
		for _, p := range pages {
			a := &p.verdict.account
			if _, told := numbers[a.Words]; !told {
				if !line(archived{Words: &archivedWords{a.Words.Rules, a.Words.Scorers, a.Words.Parts}}) {
					continue
				}
				numbers[a.Words] = len(numbers) - 1
			}
			line(archived{Made: &archivedVerdict{p.verdict.whole(), p.phase, numbers[a.Words], a.TurnedAway, a.Candidates, a.Measured}})
		}
		rest()
	}
	return out.Bytes()
}

// copies returns the next pages with a verdict from a number on, and where to go on;
// none when there are no more.
func (b *book) copies(from uint64) (next uint64, pages []*page) {
	const few = 16
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := &b.mu.written
	for from = max(from, kept.first); from < kept.next && len(pages) < few; from++ {
		if p := kept.page(from); p.verdict != nil {
			pages = append(pages, p)
		}
	}
	return from, pages
}

// unarchive adds what archive wrote to what the journal has restored, and returns
// how many decisions that were.
func (b *book) unarchive(data []byte) (n int, err error) {
	var words []*placement.Vocabulary
	first := true
	for line := range bytes.Lines(data) {
		var a archived
		if err := json.Unmarshal(line, &a); err != nil {
			return n, fmt.Errorf("line %d: %w", n+len(words)+1, err)
		}
		switch {
		case first && a.Version != archiveVersion:
			return 0, fmt.Errorf("version %d is unknown (want %d)", a.Version, archiveVersion)
		case a.Words != nil:
			words = append(words, &placement.Vocabulary{Rules: a.Words.Rules, Scorers: a.Words.Scorers, Parts: a.Words.Parts})
		case a.Made != nil:
			v, err := a.Made.verdict(words)
			if err != nil {
				return n, fmt.Errorf("decision %.64q: %w", a.Made.Decision.ID, err)
			}
			b.recall(v, a.Made.Phase)
			n++
		}
		first = false
	}
	return n, nil
}

func (a *archivedVerdict) verdict(words []*placement.Vocabulary) (*verdict, error) {
	v := &verdict{Decision: a.Decision}
	switch {
	case v.ID == "" || v.Workload == nil:
		return nil, fmt.Errorf("has no id or no workload")
	case !slices.Contains(phases[:], a.Phase):
		return nil, fmt.Errorf("is in phase %.64q", a.Phase)
	}
	if a.Words < 0 {
		return v, nil
	}
	if a.Words >= len(words) {
		return nil, fmt.Errorf("speaks by vocabulary %d of %d", a.Words, len(words))
	}
	w := words[a.Words]
	if len(a.TurnedAway) != len(w.Rules) || len(w.Parts) != len(w.Scorers) || len(a.Measured) != 2*len(a.Candidates)*len(w.Scorers) {
		return nil, fmt.Errorf("has %d counts and %d measures for %d rules and %d candidates by %d scorers",
			len(a.TurnedAway), len(a.Measured), len(w.Rules), len(a.Candidates), len(w.Scorers))
	}
	v.account = placement.Account{Words: w, TurnedAway: a.TurnedAway, Candidates: a.Candidates, Measured: a.Measured}
	return v, nil
}

// recall puts a decision of the time before a restart into the book. Of what the
// journal restored it completes the account; what it did not was given back.
func (b *book) recall(v *verdict, phase Phase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, known := b.mu.written.find(v.ID); known {
		if p := b.mu.written.page(n); p.verdict != nil {
			v.member, v.members = p.verdict.member, p.verdict.members
			v.Phase, v.Expires, v.Workload = p.verdict.Phase, p.verdict.Expires, p.verdict.Workload
			p.verdict = v
			b.mu.written.replace(n, p)
		}
		return
	}
	if phase == Reserved || phase == Confirmed {
		phase = Released
	}
	b.keep(&page{verdict: v, phase: phase})
}

// archiveRest is how long the writing of the archive rests after every few decisions:
// it takes a tenth of a processor for a few seconds, not a whole one.
const archiveRest = 4 * time.Millisecond

// keepArchive saves what decisions came from every now and then, and when ctx ends.
func (s *Service) keepArchive(ctx context.Context) {
	due := time.NewTimer(archiveSoonest)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			s.saveArchive(ctx)
			return
		case <-due.C:
			due.Reset(untilArchive(s.saveArchive(ctx)))
		}
	}
}

// saveArchive saves what decisions came from, if anything is new, and returns how
// long that took, its rests not counted. Once ctx has ended it takes none.
func (s *Service) saveArchive(ctx context.Context) (took time.Duration) {
	started, changes := time.Now(), s.book.changes()
	if s.archive == nil || changes == s.archived {
		return 0
	}
	s.archived = changes
	var rested time.Duration
	data := s.book.archive(s.archiveRoom, func() {
		from := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(archiveRest):
		}
		rested += time.Since(from)
	})
	s.archiveRoom = len(data) * 17 / 16
	if err := s.archive.Save(data); err != nil {
		s.log.Error("explanations are not kept for a restart", "error", err)
	}
	return time.Since(started) - rested
}

// loadArchive restores them. A damaged archive costs explanations alone.
func (s *Service) loadArchive() {
	if s.archive == nil {
		return
	}
	data, err := s.archive.Load()
	if err == nil && len(data) > 0 {
		_, err = s.book.unarchive(data)
	}
	if err != nil {
		s.log.Warn("explanations from before the restart are lost, in part or all", "error", err)
	}
}
