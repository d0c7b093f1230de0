package ledger

import (
	"github.com/auspex-project/auspex/placement"
	"hash/maphash"
	"slices"
	"time"
)

// shelf keeps written pages, oldest first, and finds them by decision and by request.
// Tens of thousands of them are minutes in a few pieces of memory, without a pointer that
// the garbage collector would have to follow: while it marks, answers come late. Gangs
// are few and are kept as they are.
type shelf struct {
	seed        maphash.Seed
	since       time.Time // what times are counted from: with a reading of the clock that nobody sets
	volumes     []*volume
	first, next uint64            // number of the oldest page, and of the one to come
	byID        map[uint64]uint64 // hash of a decision to the number of its page
	byRequest   map[uint64]uint64 // hash of a request's key
	gangs       map[uint64]*page  // by number
	words       vocabularies
	spare       *volume // to be written on
}

// volumePages is how many pages a volume has room for.
const volumePages = 512

// volume is some pages that follow each other.
type volume struct {
	items []item
	text  []byte // minutes
}

// item says where the minutes of a page are, and what they do not say.
type item struct {
	id, request uint64 // hashes; a page that no request leads to has no second one
	decided     time.Duration
	at, size    uint32 // in the volume's text; of no size for a gang's
	words       uint32 // number of its vocabulary, 0 for none
	phase       uint8  // of phases
	asked       bool   // a request leads to it
}

var phases = [...]Phase{Reserved, Confirmed, Released, Expired, Denied, DryRun}

func newShelf() shelf {
	return shelf{
		seed: maphash.MakeSeed(), since: time.Now(), byID: make(map[uint64]uint64), byRequest: make(map[uint64]uint64), gangs: make(map[uint64]*page),
		words: vocabularies{numbers: make(map[*placement.Vocabulary]uint32)},
	}
}

func (s *shelf) len() int { return int(s.next - s.first) }

// begin returns the number of the oldest page of the first volume.
func (s *shelf) begin() uint64 { return s.first / volumePages * volumePages }

func (s *shelf) volume(number uint64) *volume {
	return s.volumes[(number-s.begin())/volumePages]
}

func (s *shelf) item(number uint64) *item {
	return &s.volume(number).items[number%volumePages]
}

// add puts a written page behind the others.
func (s *shelf) add(p *page) {
	if s.next%volumePages == 0 {
		if s.spare == nil {
			s.spare = &volume{items: make([]item, 0, volumePages)}
		}
		if n := len(s.volumes); n > 0 {
			s.spare.text = slices.Grow(s.spare.text, len(s.volumes[n-1].text)*17/16) // about as much as before
		}
		s.volumes, s.spare = append(s.volumes, s.spare), nil
	}
	v := s.volumes[len(s.volumes)-1]
	e := item{
		id: maphash.String(s.seed, p.id()), decided: p.decided().Sub(s.since), at: uint32(len(v.text)),
		phase: uint8(slices.Index(phases[:], p.phase)),
	}
	if p.key.id != "" {
		e.asked, e.request = true, maphash.Comparable(s.seed, p.key)
		s.byRequest[e.request] = s.next
	}
	s.byID[e.id] = s.next
	if p.gang != nil {
		s.gangs[s.next] = p
	} else {
		e.words = s.words.use(p.verdict.account.Words)
		v.text = takeMinutes(v.text, p)
		e.size = uint32(len(v.text)) - e.at
	}
	v.items = append(v.items, e)
	s.next++
}

// replace changes what the page of that number says, but not how it is found.
func (s *shelf) replace(number uint64, p *page) {
	v, e := s.volume(number), s.item(number)
	s.words.drop(e.words)
	e.words = s.words.use(p.verdict.account.Words)
	e.at = uint32(len(v.text))
	v.text = takeMinutes(v.text, p)
	e.size = uint32(len(v.text)) - e.at
}

// drop removes the oldest page.
func (s *shelf) drop() {
	v, e := s.volumes[0], s.item(s.first)
	if s.byID[e.id] == s.first {
		delete(s.byID, e.id)
	}
	if e.asked && s.byRequest[e.request] == s.first {
		delete(s.byRequest, e.request)
	}
	s.words.drop(e.words)
	delete(s.gangs, s.first)
	s.first++
	if s.first%volumePages == 0 || s.first == s.next {
		s.volumes = slices.Delete(s.volumes, 0, 1)
		s.spare = &volume{items: v.items[:0], text: v.text[:0]}
	}
	if s.first == s.next { // the next page begins a volume
		s.first = (s.next + volumePages - 1) / volumePages * volumePages
		s.next = s.first
	}
}

// oldest returns when the oldest page was decided.
func (s *shelf) oldest() time.Time { return s.since.Add(s.item(s.first).decided) }

// find returns the number of the page of a decision. Where two have one hash, that
// of the newer.
func (s *shelf) find(decision string) (number uint64, known bool) {
	number, known = s.byID[maphash.String(s.seed, decision)]
	return number, known && s.is(number, decision)
}

func (s *shelf) is(number uint64, decision string) bool {
	if p := s.gangs[number]; p != nil {
		return p.gang.ID == decision
	}
	return minutesOf(s.minutes(number), decision)
}

// answer returns the page that a request leads to, nil when there is none.
func (s *shelf) answer(key requestKey) *page {
	number, known := s.byRequest[maphash.Comparable(s.seed, key)]
	if !known {
		return nil
	}
	p := s.page(number)
	if p.key != key {
		return nil
	}
	return p
}

func (s *shelf) minutes(number uint64) []byte {
	v, e := s.volume(number), s.item(number)
	return v.text[e.at:][:e.size]
}

// page returns the page of that number, as it is by now.
func (s *shelf) page(number uint64) *page {
	p, e := new(page), s.item(number)
	if gang := s.gangs[number]; gang != nil {
		*p = *gang // whoever got it earlier may still be reading
	} else {
		p = readMinutes(string(s.minutes(number)), s.words.of(e.words))
		if e.asked {
			p.key.id = p.verdict.RequestID
		}
	}
	p.phase = s.phase(number)
	return p
}

func (s *shelf) phase(number uint64) Phase { return phases[s.item(number).phase] }

func (s *shelf) turn(number uint64, to Phase) {
	s.item(number).phase = uint8(slices.Index(phases[:], to))
}

// vocabularies numbers those in use, from 1: decisions have few between them.
type vocabularies struct {
	numbers map[*placement.Vocabulary]uint32
	all     []*placement.Vocabulary // by number - 1
	uses    []int
	free    []uint32
}

// use returns the number of w, 0 for nil. Each call wants one of drop.
func (v *vocabularies) use(w *placement.Vocabulary) uint32 {
	if w == nil {
		return 0
	}
	n, known := v.numbers[w]
	if !known {
		if last := len(v.free) - 1; last >= 0 {
			n, v.free = v.free[last], v.free[:last]
			v.all[n-1] = w
		} else {
			v.all, v.uses = append(v.all, w), append(v.uses, 0)
			n = uint32(len(v.all))
		}
		v.numbers[w] = n
	}
	v.uses[n-1]++
	return n
}

func (v *vocabularies) drop(n uint32) {
	if n == 0 {
		return
	}
	if v.uses[n-1]--; v.uses[n-1] == 0 {
		delete(v.numbers, v.all[n-1])
		v.all[n-1], v.free = nil, append(v.free, n)
	}
}

func (v *vocabularies) of(n uint32) *placement.Vocabulary {
	if n == 0 {
		return nil
	}
	return v.all[n-1]
}
