package placement

import (
	"slices"
	"strings"
	"sync"
)

// replicas is what follows from where data sets are: how far each place is from the
// nearest replica, and what moving a GiB there costs. It is worked out when it is
// first asked for and belongs to one Catalogue.
type replicas struct {
	mu struct {
		sync.Mutex
		distances map[uint32][]int8
		prices    map[uint32][]float64
		tariff    *tariff
	}
}

func newReplicas() *replicas {
	r := new(replicas)
	r.mu.distances, r.mu.prices = make(map[uint32][]int8), make(map[uint32][]float64)
	return r
}

// Distances returns, by place, Place.Distance to the nearest replica of a data set
// by its number; 4 where there is none. The caller must not change it.
func (s *State) Distances(data uint32) []int8 {
	r := s.Catalogue.replicas
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.mu.distances[data]
	if !ok {
		known = s.distances(s.Catalogue.Replicas[data])
		r.mu.distances[data] = known
	}
	return known
}

// distances asks, from the rack up, whether a replica is in the same part. It takes
// as long as there are places and replicas together.
func (s *State) distances(at []uint32) []int8 {
	within := make(map[Place]bool)
	for _, place := range at {
		parts, n := s.Places[place].around()
		for _, part := range parts[:n] {
			within[part] = true
		}
	}
	out := make([]int8, len(s.Places))
	for i, p := range s.Places {
		parts, n := p.around()
		for n > 0 && !within[parts[n-1]] {
			n--
		}
		out[i] = int8(len(parts) - n)
	}
	return out
}

// around returns the n parts of the fleet p is in, the widest first, up to the first
// of no name, which is like no other.
func (p Place) around() (parts [4]Place, n int) {
	parts = [...]Place{{p.Provider, "", "", ""}, {p.Provider, p.Region, "", ""}, {p.Provider, p.Region, p.Zone, ""}, p}
	for _, name := range [...]string{p.Provider, p.Region, p.Zone, p.Rack} {
		if name == "" {
			break
		}
		n++
	}
	return parts, n
}

// Prices returns, by place, what moving a GiB there from the cheapest replica of a
// data set costs; nil for a data set without any. The caller must not change it.
func (s *State) Prices(data uint32) []float64 {
	at := s.Catalogue.Replicas[data]
	if len(at) == 0 {
		return nil
	}
	r := s.Catalogue.replicas
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.mu.prices[data]
	if !ok {
		if r.mu.tariff == nil {
			r.mu.tariff = s.tariff()
		}
		known = r.mu.tariff.cheapest(s, at)
		r.mu.prices[data] = known
	}
	return known
}

// tariff sorts places by the prices that hold for them: to those of one kind all
// places of one kind pay the same.
type tariff struct {
	from, to []int // kind by place
	price    map[[2]int]float64
}

func (s *State) tariff() *tariff {
	t := &tariff{price: make(map[[2]int]float64)}
	rules := s.Policy.Egress
	t.from = s.kinds(func(p Place, i int) bool { return rules[i].From.Covers(p) })
	t.to = s.kinds(func(p Place, i int) bool { return rules[i].To.Covers(p) })
	return t
}

// kinds numbers the places by which prices cover them.
func (s *State) kinds(covered func(p Place, rule int) bool) []int {
	known, kinds := make(map[string]int), make([]int, len(s.Places))
	var key strings.Builder
	for place, p := range s.Places {
		key.Reset()
		for i := range s.Policy.Egress {
			if covered(p, i) {
				key.WriteByte('1')
			} else {
				key.WriteByte('0')
			}
		}
		k, ok := known[key.String()]
		if !ok {
			k = len(known)
			known[key.String()] = k
		}
		kinds[place] = k
	}
	return kinds
}

// cheapest returns, by place, the lowest price from any of those given; within one
// place it is 0.
func (t *tariff) cheapest(s *State, at []uint32) []float64 {
	first := make(map[int]uint32) // one place of each kind
	for _, place := range at {
		if _, ok := first[t.from[place]]; !ok {
			first[t.from[place]] = place
		}
	}
	kinds := make([]int, 0, len(first))
	for kind := range first {
		kinds = append(kinds, kind)
	}
	out := make([]float64, len(s.Places))
	for to := range out {
		if _, here := slices.BinarySearch(at, uint32(to)); here {
			continue
		}
		for i, kind := range kinds {
			key := [2]int{kind, t.to[to]}
			price, ok := t.price[key]
			if !ok {
				price = s.Policy.price(s.Places[first[kind]], s.Places[to])
				t.price[key] = price
			}
			if i == 0 || price < out[to] {
				out[to] = price
			}
		}
	}
	return out
}
