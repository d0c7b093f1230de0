package serving

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// nodeWatch compares, once a span, what is promised for the sums of nodes with what
// they used, and raises the margins of a size of nodes whose promise is shown to be
// broken. It is not safe for concurrent use.
type nodeWatch struct {
	grid     forecast.Grid
	registry *registry.Registry
	kept     nodesNote
	seats    map[string][]*seat // by workload, of what is pending
}

// nodesNote is what survives a restart.
type nodesNote struct {
	Record  *trial.Record           `json:"record"`  // its models are sizes of nodes
	Pending []nodePledges           `json:"pending"` // oldest first, one a span
	Broken  map[string]int          `json:"broken"`  // in how many looks in a row, by band
	Needed  map[string][]neededThen `json:"needed"`  // margins that would have been just enough, by band

	// Profilers are the artefacts that told the slots of the promises in the record, by
	// resource, none for earlier days.
	Profilers map[resource.Name]string `json:"profilers,omitempty"`
}

type neededThen struct {
	At time.Time `json:"at"`
	Q  float32   `json:"q"`
}

// nodePledges are what was promised of nodes over one span.
type nodePledges struct {
	Start time.Time    `json:"start"`
	Of    []nodePledge `json:"of"`
}

type nodePledge struct {
	Node      string         `json:"node"`
	Class     workload.Class `json:"class"` // of all members, else mixedClass
	Resource  resource.Name  `json:"resource"`
	Size      int            `json:"size"` // most members of the margins' band
	Members   []string       `json:"members"`
	Limits    []float32      `json:"limits"` // beside members
	Low       float32        `json:"low"`    // largest slot of the summed profiles
	High      float32        `json:"high"`   // sum of peaks
	Promised  []float32      `json:"promised"`
	PartsSlot int            `json:"parts_slot"` // of a slot, in which sums are taken
	Profiler  string         `json:"profiler,omitempty"`

	seats []*seat // beside members
}

const (
	// mixedClass is that of a node whose workloads are of several.
	mixedClass workload.Class = "mixed"

	// maxNodes and maxSeats bound the nodes watched in one span and their members, each
	// resource apart; of a larger fleet others are watched the next span. fewestOnNode
	// are the workloads that make a machine.
	maxNodes     = 2_000
	maxSeats     = 20_000
	fewestOnNode = 2

	// mostParts of a slot tell when members peaked together: five minutes of an hour.
	mostParts = 12
)

// nodeLevels are the probabilities that nodes are promised at: 1 less the risk.
var nodeLevels = [...]float64{.95, .98, .99}

func newNodesNote() nodesNote {
	return nodesNote{Record: &trial.Record{Levels: nodeLevels[:]}, Broken: map[string]int{}, Needed: map[string][]neededThen{}}
}

// newNodeWatch takes up the record where it was left. One that cannot be read is
// begun anew, with the reason in err.
func newNodeWatch(o *Options) (*nodeWatch, error) {
	w := &nodeWatch{grid: o.Grid, registry: o.Registry, kept: newNodesNote()}
	err := readNote(o.Registry, registry.NodesNote, &w.kept)
	switch {
	case err != nil:
	case w.kept.Record == nil:
		err = fmt.Errorf("read %s: it holds no record", registry.NodesNote)
	case !slices.Equal(w.kept.Record.Levels, nodeLevels[:]):
		err = fmt.Errorf("read %s: promises at %v (want %v)", registry.NodesNote, w.kept.Record.Levels, nodeLevels)
	}
	for _, p := range w.kept.Pending {
		for _, of := range p.Of {
			if len(of.Promised) != len(nodeLevels) || len(of.Limits) != len(of.Members) || of.PartsSlot < 1 || of.PartsSlot > mostParts {
				err = fmt.Errorf("read %s: %d promises for node %s", registry.NodesNote, len(of.Promised), of.Node)
			}
		}
	}
	if err != nil {
		w.kept = newNodesNote()
	}
	if w.kept.Needed == nil {
		w.kept.Needed = map[string][]neededThen{}
	}
	w.seat()
	return w, err
}

// pledge notes what p promises of nodes over the span that begins with the next
// slot, if one does and nothing is noted yet.
func (w *nodeWatch) pledge(p *page, histories map[string]*models.History, now time.Time) (noted bool) {
	start := now.Truncate(w.grid.Slot).Add(w.grid.Slot)
	w.kept.Pending = slices.DeleteFunc(w.kept.Pending, func(p nodePledges) bool { return p.Start.After(start) }) // by a clock that was ahead
	if n := len(w.kept.Pending); w.grid.Index(start) != 0 || n > 0 && w.kept.Pending[n-1].Start.Equal(start) {
		return false
	}
	w.kept.Pending = append(w.kept.Pending, nodePledges{Start: start, Of: w.promises(p, histories, start, now)})
	w.seat()
	return true
}

// promises returns what p promises of nodes; of a fleet over maxNodes or maxSeats, of
// some nodes, others every span.
func (w *nodeWatch) promises(p *page, histories map[string]*models.History, start, now time.Time) (of []nodePledge) {
	byNode, seats := map[string][]string{}, 0
	for id := range p.entries {
		if h := histories[id]; h != nil && h.Key.Node != "" && now.Sub(h.Last()) <= w.grid.Slot {
			byNode[h.Key.Node] = append(byNode[h.Key.Node], id)
			seats += len(h.Resources())
		}
	}
	maps.DeleteFunc(byNode, func(_ string, members []string) bool { return len(members) < fewestOnNode })
	names := slices.Sorted(maps.Keys(byNode))
	every := max(1, (len(names)+maxNodes-1)/maxNodes, (seats+maxSeats-1)/maxSeats)
	left := maxSeats
	for i := int(start.Unix()/int64(w.grid.Span()/time.Second)) % every; i < len(names); i += every {
		members := byNode[names[i]]
		slices.Sort(members)
		for _, n := range histories[members[0]].Resources() {
			if left < len(members) {
				break
			}
			if pledge, ok := w.promise(p, histories, members, n); ok {
				pledge.Node = names[i]
				of = append(of, pledge)
				left -= len(members)
			}
		}
	}
	return of
}

// promise is what p promises of n for the sum of members, not ok where one of them
// has no forecast or limit, or no margin is calibrated.
func (w *nodeWatch) promise(p *page, histories map[string]*models.History, members []string, n resource.Name) (of nodePledge, ok bool) {
	of = nodePledge{Class: p.entries[members[0]].class, Resource: n, Size: p.margins.Size(n, len(members)), Members: members, PartsSlot: mostParts, Profiler: p.set.ProfilerIDs[n]}
	sums, limits, sampled := make([]float32, w.grid.Slots), float32(0), false
	for _, id := range members {
		e, u := p.entries[id], histories[id].Usage(n)
		d, known := e.forecast.Demand(n)
		if !known || u == nil || d.Limit <= 0 || len(d.Profile) != w.grid.Slots || of.Size == 0 {
			return of, false
		}
		for k, v := range d.Profile {
			sums[k] += v
		}
		of.High += d.Peak
		limits += d.Limit
		of.Limits = append(of.Limits, d.Limit)
		if n := w.samplesASlot(u); n > 0 {
			of.PartsSlot = min(of.PartsSlot, n)
			sampled = true
		}
		if e.class != of.Class {
			of.Class = mixedClass
		}
	}
	if !sampled {
		of.PartsSlot = 1
	}
	of.Low = slices.Max(sums)
	for _, level := range nodeLevels {
		of.Promised = append(of.Promised, forecast.Peak(of.Low, of.High, limits, p.margins.At(n, len(members), 1-level)))
	}
	return of, true
}

// samplesASlot returns how many samples of u fall into a slot: the most of its last
// three slots, or a gap would make the whole node coarse; 0 for a workload that has not
// had a whole slot.
func (w *nodeWatch) samplesASlot(u *models.Usage) (n int) {
	if u.Last().Sub(u.First()) < 2*w.grid.Slot {
		return 0
	}
	for k := range 3 {
		n = max(n, u.SamplesIn(u.Last().Add(-time.Duration(k+1)*w.grid.Slot)))
	}
	return n
}

// judge counts the pledges whose span is over, and looks at the record. A slot more
// is waited for, for samples that come late. It returns the bands whose state it
// has changed.
func (w *nodeWatch) judge(now time.Time) (changes []nodeChange) {
	if len(w.kept.Pending) == 0 || now.Before(w.kept.Pending[0].Start.Add(w.grid.Span()+w.grid.Slot)) {
		return nil
	}
	p := &w.kept.Pending[0]
	for i := range p.Of {
		of := &p.Of[i]
		if actual, ok := of.came(w.grid.Slots); ok && of.Profiler == w.kept.Profilers[of.Resource] {
			w.count(of, p.Start, actual)
		}
	}
	w.kept.Pending = slices.Delete(w.kept.Pending, 0, 1)
	w.seat()
	since := now.Add(-window)
	w.kept.Record.Forget(since)
	for band, all := range w.kept.Needed {
		w.kept.Needed[band] = slices.DeleteFunc(all, func(n neededThen) bool { return n.At.Before(since) })
	}
	return w.look()
}

// follow forgets what became of promises for a resource whose slots are told
// otherwise by now: its margins are others, on another scale. A set without margins
// promises nothing: that of a registry that cannot be read just now makes nothing
// forgotten.
func (w *nodeWatch) follow(set *models.Set) {
	if set.MarginsID == "" || maps.Equal(w.kept.Profilers, set.ProfilerIDs) {
		return
	}
	changed := func(n string) bool { return w.kept.Profilers[resource.Name(n)] != set.ProfilerIDs[resource.Name(n)] }
	ofBand := func(band string) bool { n, _, _ := strings.Cut(band, " "); return changed(n) }
	w.kept.Record.Drop(func(e *trial.Entry) bool { return changed(e.Resource) })
	maps.DeleteFunc(w.kept.Broken, func(band string, _ int) bool { return ofBand(band) })
	maps.DeleteFunc(w.kept.Needed, func(band string, _ []neededThen) bool { return ofBand(band) })
	w.kept.Profilers = maps.Clone(set.ProfilerIDs)
}

func (w *nodeWatch) count(of *nodePledge, start time.Time, actual float32) {
	var limit float32
	for _, l := range of.Limits {
		limit += l
	}
	missed, loss := make([]bool, len(nodeLevels)), 0.
	for i, level := range nodeLevels {
		missed[i] = actual > of.Promised[i]*(1+1e-6)
		loss += backtest.Pinball(level, float64(of.Promised[i]), float64(actual)) / float64(limit) / float64(len(nodeLevels))
	}
	w.kept.Record.Count(string(of.Class), string(of.Resource), sizeName(of.Size), groupOf(of.Node), start, missed, loss, 0)
	band := bandKey(of.Resource, of.Size)
	w.kept.Needed[band] = append(w.kept.Needed[band], neededThen{start, forecast.Needed(of.Low, of.High, limit, actual)})
}

// nodesOfUpTo begins the names of sizes of nodes in the record.
const nodesOfUpTo = "nodes of up to "

func sizeName(most int) string { return nodesOfUpTo + strconv.Itoa(most) }

// bandKey names a size of nodes and a resource.
func bandKey(n resource.Name, most int) string { return string(n) + " " + strconv.Itoa(most) }

// raised reports whether the margins of a band are.
func (w *nodeWatch) raised(band string) bool { return w.kept.Broken[band] >= looksToFall }

// nodeChange is a band whose margins were raised, or are no longer.
type nodeChange struct {
	band   string
	raised bool
	why    string
}

// look tests the promise of each band, all classes together.
func (w *nodeWatch) look() (changes []nodeChange) {
	broken := map[string]int{}
	seen := map[string]bool{}
	for _, e := range w.kept.Record.Entries() {
		band := e.Resource + " " + strings.TrimPrefix(e.Model, nodesOfUpTo)
		if seen[band] {
			continue
		}
		seen[band] = true
		pooled := w.kept.Record.Pooled(e.Resource, e.Model, func(string) bool { return true })
		was := w.raised(band)
		why := w.kept.Record.Broken(pooled)
		if why != "" && pooled.Tally.Cases() >= fewestJudged {
			broken[band] = min(w.kept.Broken[band]+1, looksToFall)
		}
		if is := broken[band] >= looksToFall; is != was {
			changes = append(changes, nodeChange{band, is, why})
		}
	}
	w.kept.Broken = broken
	return changes
}

// margins returns a copy of m in which bands whose promise is broken are raised: to what
// nodes have needed over the window, or to the sum of peaks where that is too little to
// tell.
func (w *nodeWatch) margins(m forecast.Margins) forecast.Margins {
	out := forecast.Margins{Bands: slices.Clone(m.Bands)}
	for i, b := range out.Bands {
		band := bandKey(b.Resource, b.MaxMembers)
		if !w.raised(band) {
			continue
		}
		var scores []float32
		for _, n := range w.kept.Needed[band] {
			scores = append(scores, n.Q)
		}
		points := slices.Clone(b.Points)
		for k := range points {
			q, ok := models.ConformalQuantile(scores, 1-points[k].Risk)
			if !ok {
				q = 1
				for _, score := range scores {
					q = max(q, score)
				}
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

// save writes what must survive a restart.
func (w *nodeWatch) save() error {
	data, err := json.Marshal(w.kept)
	if err != nil {
		return fmt.Errorf("save record of nodes: %w", err)
	}
	return w.registry.WriteNote(registry.NodesNote, data)
}

// watchNodes takes t's nodes through one refresh, before forecasts are made.
func (t *Table) watchNodes(now time.Time) {
	for _, c := range t.nodes.judge(now) {
		if c.raised {
			t.o.Log.Error("nodes pass what was promised for them: margins are raised to what they needed, until they hold again", "nodes", c.band, "why", c.why)
		} else {
			t.o.Log.Info("nodes hold what is promised for them again: margins are as calibrated", "nodes", c.band)
		}
	}
}
