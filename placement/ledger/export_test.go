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
