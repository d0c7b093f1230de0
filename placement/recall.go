package placement

import "sync"

// recalled is what was worked out of a Catalogue and its Policy for requests that have
// something in common, for those that come after.
type recalled struct {
	mu struct {
		sync.Mutex
		tables map[any]any
	}
}

// maxRecalled bounds it; when it is full all of it goes.
const maxRecalled = 64

// Recall returns what work came to when it was called for the same key, with the same
// policy and catalogue; it calls it the first time. The key is of a type of the
// caller's own. Nobody may change what is returned.
func Recall[K comparable, T any](s *State, key K, work func() T) T {
	r := s.Catalogue.tables
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.mu.tables[key]; ok {
		return known.(T)
	}
	if r.mu.tables == nil || len(r.mu.tables) >= maxRecalled {
		r.mu.tables = make(map[any]any)
	}
	t := work()
	r.mu.tables[key] = t
	return t
}
