package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// book keeps the decisions made, for Explain and so that a request made twice is
// answered once. It is bounded by count and time.
type book struct {
	past chan struct{} // closed: the written of all that was restored

	mu struct {
		sync.Mutex
		blank   map[requestKey]*page // being written
		written shelf
		changes uint64 // of what an archive keeps
		keep    int
		keepFor time.Duration
	}
}

// requestKey keeps a dry run apart from the request it tries out, and gangs from
// single workloads.
type requestKey struct {
	id     string
	dryRun bool
	gang   bool
}

// page is one request and its answer. A member of a gang has one to be explained
// by, which no request leads to.
type page struct {
	key     requestKey
	request *Request      // nil where the verdict says what was asked for
	brief   bool          // of the request
	others  int           // alternatives it asked for
	asked   *GangRequest  // in place of request
	written chan struct{} // closed when the fields below are there; nil until somebody waits or they are
	verdict *verdict
	gang    *GangDecision // in place of verdict
	err     error
	phase   Phase // by then
}

func (p *page) id() string {
	if p.gang != nil {
		return p.gang.ID
	}
	return p.verdict.ID
}

func (p *page) decided() time.Time {
	if p.gang != nil {
		return p.gang.Decided
	}
	return p.verdict.Decided
}

func newBook(s placement.Settings) *book {
	b := &book{past: make(chan struct{})}
	close(b.past)
	b.mu.blank = make(map[requestKey]*page)
	b.mu.written = newShelf()
	b.resize(s)
	return b
}

func (b *book) resize(s placement.Settings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.keep, b.mu.keepFor = s.KeepDecisions, s.KeepFor
}

// open returns the page of r. first is true for whoever has to write it; all
// others get it once it is written.
func (b *book) open(ctx context.Context, r *Request) (p *page, first bool, err error) {
	p, first, err = b.find(r)
	if first || err != nil {
		return p, first, err
	}
	return p, false, p.wait(ctx)
}

// find is open without waiting.
func (b *book) find(r *Request) (p *page, first bool, err error) {
	p, first = b.turnTo(&page{key: requestKey{id: r.ID, dryRun: r.DryRun}, request: r, brief: r.Brief, others: r.Alternatives})
	if !first && !p.asks(r.Workload) {
		return nil, false, fmt.Errorf("request %s: %w", r.ID, ErrRequestReused)
	}
	return p, first, nil
}

// asks reports whether the request of p is for w.
func (p *page) asks(w *workload.Workload) bool {
	if p.request == nil {
		return p.verdict.Workload.Equal(w)
	}
	return p.request.Workload == w || p.request.Workload.Equal(w)
}

// openGang is open for a gang.
func (b *book) openGang(ctx context.Context, r *GangRequest) (p *page, first bool, err error) {
	p, first = b.turnTo(&page{key: requestKey{id: r.ID, dryRun: r.DryRun, gang: true}, asked: r})
	if first {
		return p, true, nil
	}
	if !p.asked.same(r) {
		return nil, false, fmt.Errorf("request %s: %w", r.ID, ErrRequestReused)
	}
	return p, false, p.wait(ctx)
}

// turnTo returns the page of a key, the blank one where there is none yet.
func (b *book) turnTo(blank *page) (p *page, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, known := b.mu.blank[blank.key]; known {
		if p.written == nil {
			p.written = make(chan struct{})
		}
		return p, false
	}
	if p := b.mu.written.answer(blank.key); p != nil {
		p.written = b.past
		return p, false
	}
	b.mu.blank[blank.key] = blank
	return blank, true
}

// wait returns when the page is written.
func (p *page) wait(ctx context.Context) error {
	select {
	case <-p.written: // even if it is too late: what is reserved must be told
		return nil
	default:
	}
	select {
	case <-p.written:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close writes the answer. One that is an error is not kept: the next attempt is
// a new one.
func (b *book) close(p *page, v *verdict, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.verdict, p.err = v, err
	delete(b.mu.blank, p.key)
	if err == nil {
		p.phase = v.Phase
		b.keep(p)
	}
	b.tell(p)
}

// tell lets go of those who wait for a page. The caller holds the lock.
func (b *book) tell(p *page) {
	if p.written == nil {
		p.written = b.past
		return
	}
	close(p.written)
}

// closeGang is close for a gang; each of its members gets a page as well.
func (b *book) closeGang(p *page, d *GangDecision, members []*verdict, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.gang, p.err = d, err
	delete(b.mu.blank, p.key)
	if err == nil {
		p.phase = d.Phase
		b.keep(p)
		for _, v := range members {
			b.keep(&page{verdict: v, phase: v.Phase})
		}
	}
	b.tell(p)
}

// keep adds a written page and drops what is too many or too old.
func (b *book) keep(p *page) {
	b.mu.changes++
	b.mu.written.add(p)
	b.drop(p.decided())
}

func (b *book) drop(now time.Time) {
	for kept := &b.mu.written; kept.len() > 0; kept.drop() {
		if kept.len() <= b.mu.keep && now.Sub(kept.oldest()) < b.mu.keepFor {
			return
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
	p := &page{verdict: v, phase: v.Phase}
	b.mu.Lock()
	defer b.mu.Unlock()
	if v.Gang == "" {
		p.key.id = v.RequestID
	}
	b.keep(p)
}

// restoreGang is restore for a gang, once its members are.
func (b *book) restoreGang(r *GangRequest, d *GangDecision) {
	p := &page{key: requestKey{id: r.ID, gang: true}, asked: r, gang: d, phase: d.Phase}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(p)
}

// changes returns how often what an archive keeps has changed.
func (b *book) changes() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.changes
}

// turn notes how far a decision has come.
func (b *book) turn(decision string, to Phase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, known := b.mu.written.find(decision); known {
		b.mu.changes++
		b.mu.written.turn(n, to)
	}
}

func (b *book) phase(decision string) (Phase, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, known := b.mu.written.find(decision)
	if !known {
		return "", false
	}
	return b.mu.written.phase(n), true
}

// look returns the page of a decision as it is by now, nil when there is none.
func (b *book) look(decision string) *page {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, known := b.mu.written.find(decision)
	if !known {
		return nil
	}
	return b.mu.written.page(n)
}

// answer returns the written answer to a request for w, with as many alternatives as
// were asked for.
func (p *page) answer(w *workload.Workload) (Decision, error) {
	if p.err != nil {
		return Decision{}, p.err
	}
	d := p.verdict.Decision
	d.Workload = w
	if p.brief {
		return d, nil
	}
	return p.verdict.tell(d, p.others), nil
}
