package nodes

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

// Band is a size of nodes, by the most members of one, a resource and a horizon.
type Band struct {
	Resource   resource.Name
	MaxMembers int
	Horizon    time.Duration // 0 for the span of the grid
}

// key writes a band for the note; bandOf reads it.
func (b Band) key() string {
	key := string(b.Resource) + " " + strconv.Itoa(b.MaxMembers)
	if b.Horizon > 0 {
		key += " " + b.Horizon.String()
	}
	return key
}

func bandOf(key string) (b Band, ok bool) {
	parts := strings.Fields(key)
	if len(parts) < 2 || len(parts) > 3 {
		return b, false
	}
	b.Resource = resource.Name(parts[0])
	var err error
	if b.MaxMembers, err = strconv.Atoi(parts[1]); err == nil && len(parts) == 3 {
		b.Horizon, err = time.ParseDuration(parts[2])
	}
	return b, err == nil
}

// The names of bands as models of the record.
const (
	ofUpTo = "nodes of up to "
	within = " within "
)

// name is the band's, its resource apart, in the record.
func (b Band) name() string {
	name := ofUpTo + strconv.Itoa(b.MaxMembers)
	if b.Horizon > 0 {
		name += within + b.Within()
	}
	return name
}

// Within writes the horizon, "span" for that of the grid.
func (b Band) Within() string {
	if b.Horizon == 0 {
		return "span"
	}
	text := b.Horizon.String()
	for _, zero := range [...]string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Named returns the band an entry of the record is of, ok false for others: what
// became of trials.
func Named(n resource.Name, model string) (b Band, ok bool) {
	rest, ok := strings.CutPrefix(model, ofUpTo)
	if !ok {
		return b, false
	}
	most, horizon, short := strings.Cut(rest, within)
	b.Resource = n
	var err error
	if b.MaxMembers, err = strconv.Atoi(most); err == nil && short {
		b.Horizon, err = time.ParseDuration(horizon)
	}
	return b, err == nil
}

// sumsBy names, in the record, sums of all sizes by a profiler beside one in shadow.
func sumsBy(profiler string) string {
	if profiler == "" {
		profiler = "earlier days"
	}
	return "nodes by " + profiler
}

// groups bounds the groups of nodes told apart in the record.
const groups = 64

// groupOf is the group that a name falls into.
func groupOf(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return strconv.Itoa(int(h.Sum32() % groups))
}

// Change is a band whose margins are raised from now on, or no longer.
type Change struct {
	Band
	Outcome Outcome
	Why     string
}

// Outcome says what has become of a band.
type Outcome string

// What may become of a band.
const (
	Raised   Outcome = "raised"
	Holds    Outcome = "holds"    // margins are as calibrated again: nodes keep within them
	Unjudged Outcome = "unjudged" // the same, because there is nothing left to judge them by
)

// Raised reports whether the margins of a band are.
func (w *Watch) Raised(b Band) bool { return w.kept.Broken[b.key()] >= looksToRaise }

// look tests the promise of each band, all classes together.
func (w *Watch) look() (changes []Change) {
	broken, seen := map[string]int{}, map[string]bool{}
	for _, e := range w.kept.Record.Entries() {
		b, ok := Named(resource.Name(e.Resource), e.Model)
		if !ok || seen[b.key()] {
			continue
		}
		seen[b.key()] = true
		pooled := w.kept.Record.Pooled(e.Resource, e.Model, func(string) bool { return true })
		was, why := w.Raised(b), w.kept.Record.Broken(pooled)
		if why != "" && pooled.Tally.Cases() >= fewest {
			broken[b.key()] = min(w.kept.Broken[b.key()]+1, looksToRaise)
		}
		switch is := broken[b.key()] >= looksToRaise; {
		case is && !was:
			changes = append(changes, Change{b, Raised, why})
		case was && !is && pooled.Tally.Cases() < fewest:
			changes = append(changes, Change{b, Unjudged, fmt.Sprintf("%d nodes and days in the last %v are too few to judge by (want %d)", pooled.Tally.Cases(), window, fewest)})
		case was && !is:
			changes = append(changes, Change{b, Holds, fmt.Sprintf("no promise is shown to be broken by %d nodes and days", pooled.Tally.Cases())})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.kept.Broken)) {
		if b, ok := bandOf(key); ok && w.Raised(b) && !seen[key] {
			changes = append(changes, Change{b, Unjudged, fmt.Sprintf("no node of that size could be judged in the last %v", window)})
		}
	}
	w.kept.Broken = broken
	return changes
}

// Margins returns a copy of m in which bands whose promise is broken are raised: to what
// nodes have needed within the same horizon over the window, or to the sum of peaks
// where that is too little to tell.
func (w *Watch) Margins(m forecast.Margins) forecast.Margins {
	out := forecast.Margins{Bands: slices.Clone(m.Bands)}
	for i, b := range out.Bands {
		of := Band{b.Resource, b.MaxMembers, b.Horizon}
		if !w.Raised(of) {
			continue
		}
		var needed []models.DayScore
		most := float32(1)
		for _, day := range w.kept.Needs[of.key()] {
			for _, q := range day.Q {
				needed = append(needed, models.DayScore{Value: q, Day: day.Day})
				most = max(most, q)
			}
		}
		points := slices.Clone(b.Points)
		for k := range points {
			q, ok := models.NodeMargin(needed, points[k].Risk)
			if !ok {
				q = most
			}
			points[k].Q = max(points[k].Q, q)
			if k > 0 {
				points[k].Q = max(points[k].Q, points[k-1].Q)
			}
		}
		out.Bands[i].Points = points
	}
	return out
}
