package placement

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// book keeps the decisions made, for Explain and so that a request made twice is
// answered once. It is bounded by count and time.
type book struct {
	mu struct {
		sync.Mutex
		byRequest map[requestKey]*page
		byID      map[string]*page
		pages     []*page // written ones, oldest first
		keep      int
		keepFor   time.Duration
	}
}

// requestKey keeps a dry run apart from the request it tries out.
type requestKey struct {
	id     string
	dryRun bool
}

// page is one request and its answer.
type page struct {
	key     requestKey
	request *Request
	written chan struct{} // closed when the fields below are there
	verdict *verdict
	err     error
	phase   Phase // by now; guarded by the book's lock
}

func newBook(s Settings) *book {
	b := new(book)
	b.mu.byRequest = make(map[requestKey]*page)
	b.mu.byID = make(map[string]*page)
	b.resize(s)
	return b
}

func (b *book) resize(s Settings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.keep, b.mu.keepFor = s.KeepDecisions, s.KeepFor
}

// open returns the page of r. first is true for whoever has to write it; all
// others get it once it is written.
func (b *book) open(ctx context.Context, r *Request) (p *page, first bool, err error) {
	key := requestKey{r.ID, r.DryRun}
	b.mu.Lock()
	p, known := b.mu.byRequest[key]
	if !known {
		p = &page{key: key, request: r, written: make(chan struct{})}
		b.mu.byRequest[key] = p
	}
	b.mu.Unlock()
	if !known {
		return p, true, nil
	}
	if p.request.Workload != r.Workload && !p.request.Workload.Equal(r.Workload) {
		return nil, false, fmt.Errorf("request %s: %w", r.ID, ErrRequestReused)
	}
	select {
	case <-p.written:
		return p, false, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// close writes the answer. One that is an error is not kept: the next attempt is
// a new one.
func (b *book) close(p *page, v *verdict, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.verdict, p.err = v, err
	if err != nil {
		delete(b.mu.byRequest, p.key)
	} else {
		p.phase = v.Phase
		b.keep(p)
	}
	close(p.written)
}

// keep adds a written page and drops what is too many or too old.
func (b *book) keep(p *page) {
	b.mu.byID[p.verdict.ID] = p
	b.mu.byRequest[p.key] = p
	b.mu.pages = append(b.mu.pages, p)
	b.drop(p.verdict.Decided)
}

func (b *book) drop(now time.Time) {
	for len(b.mu.pages) > 0 {
		oldest := b.mu.pages[0]
		if len(b.mu.pages) <= b.mu.keep && now.Sub(oldest.verdict.Decided) < b.mu.keepFor {
			return
		}
		b.mu.pages[0] = nil
		b.mu.pages = b.mu.pages[1:]
		delete(b.mu.byID, oldest.verdict.ID)
		if b.mu.byRequest[oldest.key] == oldest {
			delete(b.mu.byRequest, oldest.key)
		}
	}
}

// age drops what has become too old by now.
func (b *book) age(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(now)
}

// restore writes the page of a reservation that a journal kept. Its scores are
// gone, its answer is not.
func (b *book) restore(v *verdict) {
	p := &page{
		key:     requestKey{id: v.RequestID},
		request: &Request{ID: v.RequestID, Workload: v.Workload, Principal: v.Principal},
		written: make(chan struct{}),
		verdict: v,
		phase:   v.Phase,
	}
	close(p.written)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(p)
}

// turn notes how far a decision has come.
func (b *book) turn(decision string, to Phase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.mu.byID[decision]; p != nil {
		p.phase = to
	}
}

func (b *book) phase(decision string) (Phase, bool) {
	_, phase, known := b.find(decision)
	return phase, known
}

func (b *book) find(decision string) (*verdict, Phase, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.mu.byID[decision]
	if p == nil {
		return nil, "", false
	}
	return p.verdict, p.phase, true
}

// answer returns the written answer, with as many alternatives as were asked for.
func (p *page) answer() (Decision, error) {
	if p.err != nil {
		return Decision{}, fmt.Errorf("place: %w", p.err)
	}
	d := p.verdict.Decision
	d.Alternatives = d.Alternatives[:min(len(d.Alternatives), p.request.Alternatives)]
	return d, nil
}
