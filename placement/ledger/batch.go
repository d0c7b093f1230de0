package ledger

import (
	"context"
	"fmt"
	"time"
)

// Result is the answer to one request of a batch.
type Result struct {
	Decision Decision
	Err      error // as of Place
}

// PlaceBatch places requests that have nothing to do with each other, one after
// the other in their order, and makes what they reserve durable at once. Each is
// answered as Place would: one that fails keeps no other from its place.
func (s *Service) PlaceBatch(ctx context.Context, requests []Request) []Result {
	started := time.Now()
	pages, errs := s.decideAll(ctx, requests, started)

	// Only now: an earlier item may be the same request, and so may one of another
	// batch that waits for this one.
	results := make([]Result, len(requests))
	for i, page := range pages {
		if page != nil {
			if errs[i] = page.wait(ctx); errs[i] == nil {
				results[i].Decision, errs[i] = page.answer(requests[i].Workload)
			}
		}
		if errs[i] != nil {
			results[i].Err = fmt.Errorf("place: %w", errs[i])
		}
	}
	return results
}

// decideAll decides the requests seen for the first time, and closes their pages. It
// does both for those before a panic, too.
func (s *Service) decideAll(ctx context.Context, requests []Request, started time.Time) (pages []*page, errs []error) {
	pages, errs = make([]*page, len(requests)), make([]error, len(requests))
	mine, drafts := make([]*page, 0, len(requests)), make([]*decided, 0, len(requests))
	defer func() { s.settle(mine, drafts, started) }()
	for i := range requests {
		r := requests[i]
		if err := r.Validate(); err != nil {
			errs[i] = fmt.Errorf("%w: %w", ErrInvalid, err)
			continue
		}
		page, first, err := s.book.find(&r)
		if err != nil {
			errs[i] = err
			continue
		}
		pages[i] = page
		if !first {
			continue
		}
		d, err := s.decideOn(ctx, page, &r, started)
		if err != nil {
			continue
		}
		mine, drafts = append(mine, page), append(drafts, &d)
	}
	return pages, errs
}

// decideOn is decide, and closes the page where that fails.
func (s *Service) decideOn(ctx context.Context, page *page, r *Request, started time.Time) (d decided, err error) {
	err = errCutShort
	defer func() {
		if err != nil {
			s.book.close(page, nil, err)
		}
	}()
	return s.decide(ctx, r, started)
}

// settle makes decisions durable at once and closes their pages, whatever happens.
func (s *Service) settle(mine []*page, drafts []*decided, started time.Time) {
	fault := errCutShort
	defer func() {
		for i, page := range mine {
			d := drafts[i]
			if fault != nil && d.hold != nil {
				s.book.close(page, nil, fault)
				continue
			}
			s.book.close(page, d.verdict, nil)
			s.metrics.decided(d.verdict, started)
		}
	}()
	fault = s.ledger.seal(drafts...)
}
