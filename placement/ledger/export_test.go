package ledger

// Vocabularies returns how many the decisions kept are told in.
func (s *Service) Vocabularies() int {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return len(s.book.mu.written.words.numbers)
}

// Deadlines returns how many reservations are waited for to end.
func (s *Service) Deadlines() int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return len(s.ledger.mu.deadlines.holds)
}

// Compact has the journal rewritten; between is called between helpings of the snapshot.
func (s *Service) Compact(between func()) error {
	return s.ledger.journal.Compact(func() Snapshot { return s.ledger.content(between) })
}

// Helping is how much is listed for a snapshot at once.
const Helping = helping
