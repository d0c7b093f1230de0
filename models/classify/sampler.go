package classify

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/workload"
)

const (
	// perApp bounds the workloads kept of one app and class: siblings are alike,
	// and an app of many must not outvote the rest.
	perApp = 6
	// perClass bounds the workloads kept of one class.
	perClass = 200
)

// Sampler keeps a bounded number of labelled workloads to learn from, the same
// ones for the same seed whatever their order. It has one owner.
type Sampler struct {
	seed    uint64
	classes map[workload.Class]map[string][]example // by class and app
	bounds  map[workload.Class]uint64               // hash from which on apps have been dropped
}

// example is one labelled workload, as points.
type example struct {
	app      string
	class    workload.Class
	rank     uint64      // random; of its app, the lowest are kept
	requests []float64   // nil when it said nothing
	usage    [][]float64 // as it is now, and as it was when it was younger; none when it was not seen
}

// NewSampler returns an empty Sampler.
func NewSampler(seed uint64) *Sampler {
	return &Sampler{seed: seed, classes: map[workload.Class]map[string][]example{}, bounds: map[workload.Class]uint64{}}
}

// Add learns from s if it has a class. Nothing of s is kept.
func (b *Sampler) Add(s *models.Subject) {
	if s.Class == "" {
		return
	}
	app := s.App
	if app == "" {
		app = s.ID
	}
	apps := b.classes[s.Class]
	if apps == nil {
		apps = map[string][]example{}
		b.classes[s.Class] = apps
	}
	if bound, dropped := b.bounds[s.Class]; dropped && hash(b.seed, app) >= bound {
		return // it would be dropped again
	}
	rank := hash(b.seed, s.ID)
	if kept := apps[app]; len(kept) == perApp && rank >= kept[perApp-1].rank {
		return
	}
	e := example{app: app, class: s.Class, rank: rank}
	if p, said := requestPoint(s); said {
		e.requests = p
	}
	if p, seen := usagePoint(s, endOfTime); seen {
		e.usage = append(e.usage, p)
		if p, seen := usagePoint(s, youth(s, rank)); seen {
			e.usage = append(e.usage, p)
		}
	}
	if e.requests == nil && e.usage == nil {
		return
	}
	kept := append(apps[app], e)
	slices.SortFunc(kept, func(a, b example) int { return cmp.Compare(a.rank, b.rank) })
	apps[app] = kept[:min(len(kept), perApp)]
	if len(apps) > 2*perClass {
		dropped := b.ranked(apps)[perClass:]
		for _, app := range dropped {
			delete(apps, app)
		}
		b.bounds[s.Class] = hash(b.seed, dropped[0])
	}
}

// youth is a random moment in the life of s: any age is as likely as any other
// on a logarithmic scale. What is classified may have been seen for an hour or
// for weeks.
func youth(s *models.Subject, rank uint64) time.Time {
	first := s.History.First()
	age := s.History.Last().Sub(first).Hours()
	u := float64(rank>>11) / (1 << 53)
	return first.Add(time.Duration(math.Pow(max(age, 2)/2, u) * 2 * float64(time.Hour)))
}

// examples returns what is kept, at most perClass of each class, an app at a
// time in turn.
func (b *Sampler) examples() []example {
	var all []example
	for _, class := range slices.Sorted(maps.Keys(b.classes)) {
		apps := b.classes[class]
		ranked := b.ranked(apps)
		n := 0
		for turn := 0; turn < perApp; turn++ {
			for _, app := range ranked {
				if turn < len(apps[app]) && n < perClass {
					all = append(all, apps[app][turn])
					n++
				}
			}
		}
	}
	return all
}

// ranked returns the apps in their random order.
func (b *Sampler) ranked(apps map[string][]example) []string {
	names := slices.Sorted(maps.Keys(apps))
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(hash(b.seed, x), hash(b.seed, y)) })
	return names
}

// hash draws a number for a name.
func hash(seed uint64, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := h.Sum64() ^ seed*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // finalizer of splitmix64
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
