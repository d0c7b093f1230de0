package placement

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/auspex-project/auspex/workload"
)

// Group is a set of placed workloads that some constraint is about, and where
// they run: those that match Peers or, where Repels is set, those that want none
// of Peers within that level. It is immutable once frozen.
//
// A group is followed from the first request that asks for it on, so that labels
// no constraint ever names cost nothing.
type Group struct {
	Peers  workload.Peers
	Repels workload.Level // "" = a group of peers

	serial uint64
	total  int
	places []tally // sorted
	nodes  []tally // sorted
	epoch  uint64
}

// tally is a place or node and how many of a group are there, more than none.
type tally struct{ at, n int32 }

// nobody is the group without members.
var nobody = new(Group)

// Total returns how many there are.
func (g *Group) Total() int { return g.total }

// Tally adds to counts, by domain, how many run in each, domain being that of
// every place, -1 for none.
func (g *Group) Tally(domain, counts []int32) {
	for _, t := range g.places {
		if int(t.at) < len(domain) && domain[t.at] >= 0 {
			counts[domain[t.at]] += t.n
		}
	}
}

// Mask returns those of candidates, nodes of b, that hold at least this many, which is 1
// or more.
func (g *Group) Mask(b *Block, candidates uint64, least int) (nodes uint64) {
	if b.gathered != nil {
		for m := candidates; m != 0; m &= m - 1 {
			if i := bits.TrailingZeros64(m) & (BlockSize - 1); g.On(b, i) >= least {
				nodes |= 1 << i
			}
		}
		return nodes
	}
	from, _ := search(g.nodes, b.First)
	for _, t := range g.nodes[from:] {
		if t.at >= b.First+BlockSize {
			break
		}
		if int(t.n) >= least {
			nodes |= 1 << (t.at - b.First)
		}
	}
	return nodes & candidates
}

// On returns how many run on node i of b.
func (g *Group) On(b *Block, i int) int {
	if at, held := search(g.nodes, int32(b.Position(i))); held {
		return int(g.nodes[at].n)
	}
	return 0
}

// search returns where the tally of at stands in list, or would, and whether it does.
// Rules ask it of every node that has changed: it is spelt out to be fast.
func search(list []tally, at int32) (int, bool) {
	low, high := 0, len(list)
	for low < high {
		if middle := int(uint(low+high) / 2); list[middle].at < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(list) && list[low].at == at
}

func (g *Group) count(node int, place uint32, by int32) {
	g.total += int(by)
	g.nodes = add(g.nodes, int32(node), by)
	g.places = add(g.places, int32(place), by)
}

func add(list []tally, at, by int32) []tally {
	i, held := search(list, at)
	if !held {
		return slices.Insert(list, i, tally{at, by})
	}
	if list[i].n += by; list[i].n == 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// groups finds the positions of groups in State.Groups, for all states of a
// family. Only the owner of the living state adds and drops.
type groups struct {
	followed atomic.Int64 // how many there are

	mu struct {
		sync.RWMutex
		at     map[groupKey]ref
		byApp  map[string][]entry // of peers of an app
		loose  []entry            // and of any app
		serial uint64
		free   []int32 // positions
	}
}

// ref is where a group is, and which of those that were ever there.
type ref struct {
	at     int32
	serial uint64
}

// entry is a group that is followed.
type entry struct {
	ref
	peers  workload.Peers
	repels workload.Level
}

type groupKey struct {
	repels workload.Level
	app    string
	labels string
}

func newGroups() *groups {
	g := new(groups)
	g.mu.at = make(map[groupKey]ref)
	g.mu.byApp = make(map[string][]entry)
	return g
}

func keyOf(p workload.Peers, repels workload.Level) groupKey {
	k := groupKey{repels: repels, app: p.App}
	if len(p.Labels) > 0 {
		var text strings.Builder
		for _, label := range slices.Sorted(maps.Keys(p.Labels)) {
			text.WriteString(label + "\x00" + p.Labels[label] + "\x00")
		}
		k.labels = text.String()
	}
	return k
}

func (g *groups) find(k groupKey) (ref, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	r, ok := g.mu.at[k]
	return r, ok
}

// matching appends to list the groups whose peers w is one of; with repels those
// that want none of it, otherwise those it belongs to.
func (g *groups) matching(w *workload.Workload, repels bool, list []entry) []entry {
	if g.followed.Load() == 0 {
		return list
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, entries := range [...][]entry{g.mu.byApp[w.App], g.mu.loose} {
		for i := range entries {
			if e := &entries[i]; (e.repels != "") == repels && e.peers.Match(w) {
				list = append(list, *e)
			}
		}
	}
	return list
}

// group returns the group of r as s knows it: that without members where it is
// younger than s.
func (s *State) group(r ref) *Group {
	if int(r.at) < len(s.Groups) {
		if g := s.Groups[r.at]; g != nil && g.serial == r.serial {
			return g
		}
	}
	return nobody
}

// follow makes a group of s, which is the living state.
func (s *State) follow(p workload.Peers, repels workload.Level) *Group {
	reg := s.groups
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.mu.serial++
	r := ref{int32(len(s.Groups)), reg.mu.serial}
	group := &Group{Peers: p, Repels: repels, serial: r.serial, epoch: s.epoch}
	s.ownTable()
	if n := len(reg.mu.free); n > 0 {
		r.at, reg.mu.free = reg.mu.free[n-1], reg.mu.free[:n-1]
		s.Groups[r.at] = group
	} else {
		s.Groups = append(s.Groups, group)
	}
	reg.mu.at[keyOf(p, repels)] = r
	if p.App != "" {
		reg.mu.byApp[p.App] = append(reg.mu.byApp[p.App], entry{r, p, repels})
	} else {
		reg.mu.loose = append(reg.mu.loose, entry{r, p, repels})
	}
	reg.followed.Add(1)
	return group
}

// minGroups is how many groups are followed before empty ones are dropped.
const minGroups = 1024

// tidy stops following groups without members once there are many of them. What
// was decided with one of these is decided anew: its serial has gone.
func (s *State) tidy() {
	empty := 0
	for _, g := range s.Groups {
		if g != nil && g.total == 0 {
			empty++
		}
	}
	if empty < minGroups {
		return
	}
	reg := s.groups
	reg.mu.Lock()
	defer reg.mu.Unlock()
	s.ownTable()
	gone := func(e entry) bool { return s.Groups[e.at] == nil }
	for i, g := range s.Groups {
		if g == nil || g.total > 0 {
			continue
		}
		s.Groups[i] = nil
		delete(reg.mu.at, keyOf(g.Peers, g.Repels))
		if left := slices.DeleteFunc(reg.mu.byApp[g.Peers.App], gone); len(left) > 0 {
			reg.mu.byApp[g.Peers.App] = left
		} else {
			delete(reg.mu.byApp, g.Peers.App)
		}
		reg.mu.free = append(reg.mu.free, int32(i))
		reg.followed.Add(-1)
	}
	reg.mu.loose = slices.DeleteFunc(reg.mu.loose, gone)
}

// enlist counts m, which comes to a node at a place or with by -1 leaves it, in
// the groups that are followed.
func (s *State) enlist(m *Member, node int, place uint32, by int32) {
	if s.groups.followed.Load() == 0 {
		return
	}
	var room workload.Workload
	w := m.description.Workload(&room)
	var buffer [8]entry
	entries := s.groups.matching(w, false, buffer[:0])
	for i := range w.Affinity {
		if a := &w.Affinity[i]; a.Apart && !a.Preferred {
			if r, ok := s.groups.find(keyOf(a.Peers.Of(w), a.Within)); ok && !slices.ContainsFunc(entries, func(e entry) bool { return e.ref == r }) {
				entries = append(entries, entry{ref: r})
			}
		}
	}
	for i := range entries {
		if r := entries[i].ref; s.group(r) != nobody {
			s.ownGroup(r.at).count(node, place, by)
		}
	}
}

func (s *State) ownGroup(at int32) *Group {
	g := s.Groups[at]
	if g.epoch <= s.shared {
		s.ownTable()
		c := *g
		c.places, c.nodes = slices.Clone(g.places), slices.Clone(g.nodes)
		c.epoch = s.epoch
		s.Groups[at] = &c
		g = &c
	}
	return g
}

// asked calls f with every group that constraints of w are about.
func asked(w *workload.Workload, f func(p workload.Peers, repels workload.Level)) {
	if w.MaxPerNode > 0 {
		f(workload.Peers{App: w.App}, "")
	}
	for i := range w.Spread {
		f(w.Spread[i].Peers.Of(w), "")
	}
	for i := range w.Affinity {
		a := &w.Affinity[i]
		f(a.Peers.Of(w), "")
		if a.Apart && !a.Preferred {
			f(a.Peers.Of(w), a.Within)
		}
	}
}

// Follows reports whether the groups w asks for are followed.
func (s *State) Follows(w *workload.Workload) bool {
	followed := true
	asked(w, func(p workload.Peers, repels workload.Level) {
		if followed {
			_, followed = s.groups.find(keyOf(p, repels))
		}
	})
	return followed
}

// Follow counts the groups w asks for from now on. runs says whether any workload of an
// app is placed.
func (s *State) Follow(w *workload.Workload, runs func(app string) bool) {
	asked(w, func(p workload.Peers, repels workload.Level) {
		if _, known := s.groups.find(keyOf(p, repels)); known {
			return
		}
		if len(s.Groups) >= 2*minGroups && len(s.groups.mu.free) == 0 {
			s.tidy()
		}
		g := s.follow(p, repels)
		// Whoever carries a constraint that repels has been followed since it came, and
		// an app nobody has of cannot be counted.
		if repels == "" && (p.App == "" || runs(p.App)) {
			there := s.gather(p)
			g.total, g.places, g.nodes = there.total, there.places, there.nodes
		}
	})
}
