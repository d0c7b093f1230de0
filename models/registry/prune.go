package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// pruneGrace spares artefacts that have just come, by a copy too: whoever brought
// them has a day to promote them.
const pruneGrace = 24 * time.Hour

// Prune forgets all but the newest keep terms that each role had before its
// champion's, and removes the artefacts nothing refers to any more, but those of
// spare and those that came within a day. It returns what was removed, oldest
// first. What serves, is in shadow, was dismissed last, or can be rolled back to
// is never removed; a crash in the middle leaves some for the next time.
func (r *Registry) Prune(keep int, spare ...string) (removed []string, err error) {
	unlock, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	champions, err := r.Champions()
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	if champions.shorten(keep) {
		if err := r.write(champions); err != nil {
			return nil, fmt.Errorf("prune: %w", err)
		}
	}
	used := champions.references()
	for _, id := range spare {
		used[id] = true
	}
	entries, err := r.List()
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	for _, e := range slices.Backward(entries) {
		id := e.Meta.ID
		info, err := os.Stat(filepath.Join(r.dir, id))
		if err != nil {
			return removed, fmt.Errorf("prune: %w", err)
		}
		if used[id] || now().Sub(info.ModTime()) < pruneGrace {
			continue
		}
		if err := r.remove(id); err != nil {
			return removed, fmt.Errorf("prune: %w", err)
		}
		removed = append(removed, id)
	}
	return removed, nil
}

// shorten forgets the oldest terms, and reports whether there were any.
func (c Champions) shorten(keep int) bool {
	forgot := false
	for role, s := range c {
		if len(s.Past) > keep {
			s.Past = s.Past[:keep]
			c[role] = s
			forgot = true
		}
	}
	return forgot
}

// references returns the artefacts that champions name.
func (c Champions) references() map[string]bool {
	ids := map[string]bool{}
	for _, s := range c {
		for _, id := range s.references() {
			ids[id] = true
		}
	}
	return ids
}

// references returns the artefacts that serve or served the role, are tried for it,
// or were dismissed last.
func (s Service) references() []string {
	ids := []string{s.ID}
	for _, term := range s.Past {
		ids = append(ids, term.ID)
	}
	for _, term := range []*Term{s.Challenger, s.Dismissed} {
		if term != nil {
			ids = append(ids, term.ID)
		}
	}
	return ids
}
