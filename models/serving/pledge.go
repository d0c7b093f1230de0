package serving

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// pledges are forecasts of the maximum over one span, to be held against what
// comes.
type pledges struct {
	Start time.Time `json:"start"` // of the span
	Of    []pledge  `json:"of"`
}

// pledge is what was said of one workload and resource, by each model that could
// speak.
type pledge struct {
	Workload string         `json:"workload"`
	App      string         `json:"app"` // what it shares its load with
	Class    workload.Class `json:"class"`
	Resource resource.Name  `json:"resource"`
	Scale    float32        `json:"scale"`
	Champion string         `json:"champion,omitempty"` // model that served then, "" for none
	Said     []saying       `json:"said"`
}

type saying struct {
	Model     string    `json:"model"`
	Quantiles []float32 `json:"quantiles"` // by models.Levels
}

const (
	// percentilesModel and priorModel name the links behind the learned models in
	// the record.
	percentilesModel = string(forecast.Percentile)
	priorModel       = string(forecast.Prior)

	// maxPledges bounds the workloads asked in one slot, so that memory does not
	// grow with the fleet; of a larger one some are drawn.
	maxPledges = 5_000

	// appGroups bounds the apps told apart in the record.
	appGroups = 64

	// minMeasured is the share of a span's slots that must have been measured for its
	// maximum to say anything.
	minMeasured = .75
)

// due reports whether a workload is asked for the span that begins with slot:
// once a span each, at an hour of its own, so that its cases do not overlap.
func due(id string, slot, slots int) bool {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32()%uint32(slots)) == slot
}

// ask notes what the champions, the challengers and the links behind them say of
// the span that begins with the next slot.
func (p *page) ask(histories map[string]*models.History, now time.Time) pledges {
	g := p.set.Grid
	start := now.Truncate(g.Slot).Add(g.Slot)
	next := pledges{Start: start}
	var ids []string
	for id := range p.entries {
		if due(id, g.Index(start), g.Slots) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	every := max(1, (len(ids)+maxPledges-1)/maxPledges)
	for i := int(start.Unix()/int64(g.Span()/time.Second)) % every; i < len(ids); i += every {
		s := models.Observed(histories[ids[i]])
		s.Class = p.entries[ids[i]].class
		for _, n := range s.History.Resources() {
			if pledge, ok := p.askOne(&s, n, now); ok {
				next.Of = append(next.Of, pledge)
			}
		}
	}
	return next
}

func (p *page) askOne(s *models.Subject, n resource.Name, now time.Time) (pledge, bool) {
	set := p.set
	class := s.Class
	if class == "" {
		class = models.AnyClass
	}
	target := models.Target{Class: class, Resource: n}
	out := pledge{Workload: s.ID, App: group(s), Class: class, Resource: n, Scale: float32(models.Scale(s, n))}
	say := func(model string, by models.Predictor) bool {
		d, ok := by.Predict(s, n, now, set.Grid)
		if !ok || len(d.Quantiles) != len(models.Levels()) {
			return false
		}
		said := saying{Model: model}
		for _, q := range d.Quantiles {
			said.Quantiles = append(said.Quantiles, q.Value)
		}
		out.Said = append(out.Said, said)
		return true
	}
	if champion, ok := set.Champion(target); ok && say(champion.ID, champion.Model) {
		out.Champion = champion.ID
	}
	if challenger, ok := set.Challengers[set.RoleOf(target)]; ok {
		say(challenger.ID, challenger.Model)
	}
	if !say(percentilesModel, models.Percentiles{Prior: set.Prior}) && set.Prior != nil {
		say(priorModel, set.Prior)
	}
	return out, len(out.Said) > 0
}

// group names the app of s, or the group of apps it falls into.
func group(s *models.Subject) string {
	app := s.App
	if app == "" {
		app = s.ID
	}
	return groupOf(app)
}

// groupOf is the group that a name falls into.
func groupOf(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return strconv.Itoa(int(h.Sum32() % appGroups))
}

// judge counts what came of p.
func (p *pledge) judge(record *trial.Record, start time.Time, g forecast.Grid, histories map[string]*models.History) {
	h := histories[p.Workload]
	if h == nil {
		return
	}
	u := h.Usage(p.Resource)
	if u == nil {
		return
	}
	largest, measured := u.MaxOver(start, g.Slots)
	if float64(measured) < minMeasured*float64(g.Slots) {
		return
	}
	losses, champion := make([]float64, len(p.Said)), -1
	missed := make([][]bool, len(p.Said))
	for k, said := range p.Said {
		if said.Model == p.Champion {
			champion = k
		}
		for i, level := range models.Levels() {
			q := float64(said.Quantiles[i])
			missed[k] = append(missed[k], largest > q*(1+1e-6)) // forecasts are float32
			losses[k] += backtest.Pinball(level, q, largest) / float64(p.Scale) / float64(len(said.Quantiles))
		}
	}
	for k, said := range p.Said {
		toChampion := 0.0
		if champion >= 0 {
			toChampion = losses[k] - losses[champion]
		}
		record.Count(string(p.Class), string(p.Resource), said.Model, p.App, start, missed[k], losses[k], toChampion)
	}
}

// rolesOf returns the targets that are served or challenged, in order.
func rolesOf(set *models.Set) []models.Target {
	return slices.SortedFunc(maps.Keys(set.Champions), func(a, b models.Target) int {
		return slices.Compare([]string{string(a.Class), string(a.Resource)}, []string{string(b.Class), string(b.Resource)})
	})
}
