package training

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/workload"
)

// life is what is known of a workload before any sample of it is read.
type life struct {
	id    string
	class workload.Class // of its newest series
	span  backtest.Span  // within the window; Unix seconds
	last  time.Time
	nodes []string
}

// lives lists the workloads seen within the window, by id, and counts them.
func (p *plan) lives(stats []store.SeriesStat) []*life {
	byID := map[string]*life{}
	var placed int64
	for _, s := range stats {
		if s.Last.Before(p.whole.From) || !s.First.Before(p.whole.To) {
			continue
		}
		p.samples += s.Samples
		l := byID[s.Key.Workload]
		if l == nil {
			l = &life{id: s.Key.Workload, span: backtest.Span{From: math.MaxInt64}}
			byID[l.id] = l
		}
		if !s.Last.Before(l.last) {
			l.last, l.class = s.Last, classOf(s.Key.Class)
		}
		l.span.From = min(l.span.From, max(s.First.Unix(), p.whole.From.Unix()))
		l.span.To = max(l.span.To, min(s.Last.Unix()+1, p.whole.To.Unix()))
		if s.Key.Node != "" {
			l.nodes = append(l.nodes, s.Key.Node)
			placed += s.Samples
		}
	}
	p.workloads = len(byID)
	p.placed = 2*placed > p.samples
	lives := make([]*life, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		lives = append(lives, byID[id])
	}
	return lives
}

// choose bounds what is kept: which share of a class's rows is learned from, and
// which workloads are judged. These hold at most MaxTracks places, one after the
// other: places of each class in turn, or all those on some nodes.
func (p *plan) choose(lives []*life) {
	byClass := map[workload.Class][]*life{}
	for _, l := range lives {
		byClass[l.class] = append(byClass[l.class], l)
	}
	places, total := map[workload.Class][][]*life{}, 0
	for i, c := range slices.Sorted(maps.Keys(byClass)) {
		rng := rand.New(rand.NewPCG(p.Seed, uint64(i)))
		places[c] = placesOf(byClass[c], rng)
		rng.Shuffle(len(places[c]), func(i, j int) { places[c][i], places[c][j] = places[c][j], places[c][i] })
		total += len(places[c])

		// The global model takes its rows from those of the classes.
		var seconds int64
		for _, l := range byClass[c] {
			seconds += max(0, min(l.span.To, p.train.To.Unix())-l.span.From)
		}
		p.keep[c] = min(1, float64(p.MaxRows)/max(float64(seconds)/p.Grid.Slot.Seconds(), 1))
	}
	if p.placed && total > p.MaxTracks {
		p.chooseNodes(lives)
		return
	}
	for turn, taken := 0, 0; taken < min(p.MaxTracks, total); turn++ {
		for _, c := range slices.Sorted(maps.Keys(places)) {
			if turn < len(places[c]) && taken < p.MaxTracks {
				taken++
				for _, l := range places[c][turn] {
					p.tracks[l.id] = true
				}
			}
		}
	}
}

// placesOf arranges workloads behind each other.
func placesOf(lives []*life, rng *rand.Rand) [][]*life {
	spans := make([]backtest.Span, len(lives))
	for i, l := range lives {
		spans[i] = l.span
	}
	var places [][]*life
	for _, slot := range backtest.Slots(spans, rng) {
		var place []*life
		for _, i := range slot {
			place = append(place, lives[i])
		}
		places = append(places, place)
	}
	return places
}

// chooseNodes judges whole nodes, in random order, until they are enough.
func (p *plan) chooseNodes(lives []*life) {
	byNode := map[string][]*life{}
	for _, l := range lives {
		for _, node := range l.nodes {
			byNode[node] = append(byNode[node], l)
		}
	}
	names := slices.Sorted(maps.Keys(byNode))
	rng := rand.New(rand.NewPCG(p.Seed, math.MaxUint64))
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	p.nodes = map[string]bool{}
	budget := float64(p.MaxTracks) * p.whole.Duration().Seconds()
	for _, name := range names {
		if budget <= 0 {
			return
		}
		p.nodes[name] = true
		for _, l := range byNode[name] {
			if !p.tracks[l.id] {
				p.tracks[l.id] = true
				budget -= float64(l.span.To - l.span.From)
			}
		}
	}
}
