package training

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
)

// MachineReport says what came of predicting machines over the test window, with
// margins calibrated on the window before.
type MachineReport struct {
	Resource      string         `json:"resource"`
	Placed        bool           `json:"placed"`  // the nodes of the history; else random groups
	Members       int            `json:"members"` // on average, of those at once on a machine
	Machines      int            `json:"machines"`
	Cases         int            `json:"cases"`
	Risk          float64        `json:"risk"` // nominal
	OracleSavings float64        `json:"oracle_savings"`
	Contestants   []MachineScore `json:"contestants"`
	Misses        []Miss         `json:"misses"` // the worst of each machine, worst first

	Worst []backtest.Band `json:"-"` // the machines of the worst misses, through the test days
}

// Judged reports whether any machine was there to be predicted.
func (m *MachineReport) Judged() bool { return m.Cases > 0 }

// MachineScore is one contestant's part, raw and calibrated.
type MachineScore struct {
	Name       string         `json:"name"`
	Raw        backtest.Score `json:"raw"`
	Margin     float32        `json:"margin"`
	Calibrated backtest.Score `json:"calibrated"`

	// Violations is what became of each promise: the violation rate over the test
	// days by the nominal one it was calibrated for. SavingsAt has the savings at
	// matched rates, with margins chosen on the test days, for all alike.
	Violations map[string]float64 `json:"violations"`
	SavingsAt  map[string]float64 `json:"savings_at"`
}

// nominalRates are the violation rates that the report compares promise and
// outcome at.
var nominalRates = [...]float64{.1, .05, .02, .01}

// NominalRates returns the violation rates that the report compares promise and
// outcome at, falling.
func NominalRates() []float64 { return nominalRates[:] }

// bandSizes are the members of the machines margins are calibrated on.
var bandSizes = [...]int{2, 4, 8, 12, 20, 40, 80}

const (
	// bandMachines bounds the random machines a band is calibrated on: more of
	// them would share so many hours that they say little new.
	bandMachines = 200

	// replicates is how often the tracks are dealt to machines anew.
	replicates = 5

	// fewNodeCases is below which the nodes of the history do not calibrate a
	// band of their own size: the margin at a risk of .001 needs as many.
	fewNodeCases = 2000

	// fewMembers is how many workloads the nodes of a history hold on average
	// at least, to be machines: some histories name each workload its own node.
	fewMembers = 2
)

// reportMachines lets forecasts and baselines predict machines: the nodes of the
// history where it names them, else random groups.
func (e *evidence) reportMachines(ctx context.Context, served composed, past *models.Prior) (MachineReport, error) {
	contestants := []backtest.Contestant{
		served, composed{name: PercentilesName, evidence: e, peaks: e.ownPeaks(), prior: past},
	}
	contestants = append(contestants, baseline.All(e.plan.Grid.Span())...)
	r := MachineReport{Resource: string(e.resource), Risk: e.plan.Risk}
	if len(e.panel.Tracks) == 0 {
		return r, nil
	}
	machines := e.ownMachines()
	if r.Placed = len(machines) > 0; !r.Placed {
		machines = backtest.RandomMachines(e.panel, min(e.plan.Machine, len(e.panel.Tracks)), replicates, e.plan.Seed)
	}
	cases, err := e.contest(machines).Run(ctx, contestants)
	if err != nil {
		return r, fmt.Errorf("replay machines for %s: %w", e.resource, err)
	}
	r.Machines = len(machines)
	cut := e.panel.IndexOf(e.plan.test.From)
	for k, c := range contestants {
		past, test := backtest.Between(cases[k], 0, cut), backtest.Between(cases[k], cut, e.panel.Steps)
		score := e.scoreOf(c, past, test)
		if k == 0 {
			r.Cases, r.Members = len(test), meanMembers(machines, test)
			r.OracleSavings = backtest.Oracle(test)
			e.worst(&r, machines, past, test, score.Margin)
		}
		r.Contestants = append(r.Contestants, score)
	}
	return r, nil
}

// scoreOf judges one contestant on the test days, calibrated on the past: forecasts
// that add up as they would be served, others by what held in so many of the cases.
func (e *evidence) scoreOf(c backtest.Contestant, past, test []backtest.Case) MachineScore {
	s := MachineScore{Name: c.Name(), Raw: backtest.Judge(test, 0), Violations: map[string]float64{}, SavingsAt: map[string]float64{}}
	margin := func(risk float64) (float32, bool) { return backtest.Margin(past, risk) }
	if _, adds := c.(composed); adds {
		needed := e.neededByDay(past)
		margin = func(risk float64) (float32, bool) { return models.NodeMargin(needed, risk) }
	}
	if q, ok := margin(e.plan.Risk); ok {
		s.Margin, s.Calibrated = q, backtest.Judge(test, q)
	}
	for _, rate := range nominalRates {
		if q, ok := margin(rate); ok {
			s.Violations[trial.LevelKey(rate)] = backtest.Judge(test, q).ViolationRate
		}
		if q, ok := backtest.Margin(test, rate); ok {
			s.SavingsAt[trial.LevelKey(rate)] = backtest.Judge(test, q).Savings
		}
	}
	return s
}

// neededByDay returns the margin that each case would have needed.
func (e *evidence) neededByDay(cases []backtest.Case) []models.DayScore {
	needed := make([]models.DayScore, len(cases))
	for i, c := range cases {
		needed[i] = models.DayScore{Value: c.Needed(), Day: int32(e.panel.Time(c.Origin).Unix() / int64(dayLength/time.Second))}
	}
	return needed
}

func (e *evidence) contest(machines []*backtest.Machine) backtest.Contest {
	return backtest.Contest{Panel: e.panel, Machines: machines, Origins: e.origins, Horizon: e.plan.Grid.Span(), Workers: e.plan.Workers}
}

// ownMachines returns the nodes of the history, none where it does not know
// them.
func (e *evidence) ownMachines() []*backtest.Machine {
	if !e.plan.placed {
		return nil
	}
	machines := slices.DeleteFunc(backtest.OwnMachines(e.panel), func(m *backtest.Machine) bool {
		return e.plan.nodes != nil && !e.plan.nodes[m.Node]
	})
	members, moments := 0, 0
	for _, m := range machines {
		for _, origin := range e.origins {
			if n := len(m.At(origin).Present); n > 0 {
				members, moments = members+n, moments+1
			}
		}
	}
	if members < fewMembers*moments {
		return nil
	}
	return machines
}

// meanMembers is how many workloads were at once on the machines of cases.
func meanMembers(machines []*backtest.Machine, cases []backtest.Case) int {
	members := 0
	for _, c := range cases {
		members += len(machines[c.Machine].At(c.Origin).Present)
	}
	return (members + len(cases)/2) / max(len(cases), 1)
}

// sums returns what can tell the slots of machines' sums, as contestants: first what
// is to serve; then earlier days, to fall back to; what serves so far, to roll back
// to; and what is in shadow, to be promoted.
func (n *night) sums(ctx context.Context, e *evidence, set *models.Set, past *models.Prior) ([]composed, error) {
	peaks, err := e.servedPeaks(set)
	if err != nil {
		return nil, err
	}
	champions, err := n.registry.Champions()
	if err != nil {
		return nil, err
	}
	ids := []string{set.ProfilerIDs[e.resource], ""}
	service := champions[registry.ProfileRole(e.resource)]
	ids = append(ids, service.ID)
	if challenger := set.ProfilerChallengers[e.resource]; challenger.Model != nil {
		ids = append(ids, challenger.ID)
	}
	var all []composed
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		c := composed{name: "auspex", profiler: id, evidence: e, peaks: peaks, learned: set.LearnedOf(e.resource), prior: past}
		if id != "" {
			m, err := n.registry.Profiler(id, e.resource, n.Grid)
			if err != nil {
				continue // said where it serves; margins of it are of no use
			}
			if c.profiles, err = e.profiles(ctx, m); err != nil {
				return nil, err
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// calibrate returns the margins that each of sums would have needed, over the
// test and the weeks before it, horizon by horizon and band by band of machines with
// as many members: the nodes of the history where they are enough, else random groups.
func (e *evidence) calibrate(ctx context.Context, sums []composed) (m models.NodeMargins, err error) {
	g := e.plan.Grid
	horizons := []int{0} // in slots, 0 for all
	for _, ahead := range [...]int{g.Slots / 4, 1} {
		if ahead > 0 && ahead < g.Slots && !slices.Contains(horizons, ahead) {
			horizons = append(horizons, ahead)
		}
	}
	for _, ahead := range horizons {
		horizon := time.Duration(ahead) * g.Slot
		for i := range sums {
			sums[i].ahead = ahead
		}
		part, err := e.calibrateAhead(ctx, sums, horizon)
		if err != nil {
			return m, err
		}
		m.Add(part)
	}
	return m, nil
}

func (e *evidence) calibrateAhead(ctx context.Context, sums []composed, horizon time.Duration) (m models.NodeMargins, err error) {
	nodes, err := e.neededBySize(ctx, sums, horizon, e.ownMachines())
	if err != nil {
		return m, err
	}
	least := 0
	for _, members := range bandSizes {
		var random []needed
		for k, c := range sums {
			scores := nodes[k].between(least, members)
			if len(scores) < fewNodeCases {
				if random == nil {
					machines := backtest.RandomMachines(e.panel, min(members, max(len(e.panel.Tracks), 1)), replicates, e.plan.Seed+1)
					if random, err = e.neededBySize(ctx, sums, horizon, machines[:min(len(machines), bandMachines)]); err != nil {
						return m, err
					}
				}
				scores = append(scores, random[k].between(0, members)...)
			}
			if band := models.CalibrateBand(e.resource, members, scores); len(band.Points) > 0 {
				band.Horizon = horizon
				m.Bands = append(m.Bands, models.SumBand{Band: band, Profiler: c.profiler, Learned: c.learned})
			}
		}
		least = members
		if 2*members > len(e.panel.Tracks) {
			break
		}
	}
	return m, nil
}

// needed are the margins that machines would have needed, by their members.
type needed map[int][]models.DayScore

// neededBySize replays machines for each of sums, to predict their peaks within a
// horizon (0: the span of the grid).
func (e *evidence) neededBySize(ctx context.Context, sums []composed, horizon time.Duration, machines []*backtest.Machine) ([]needed, error) {
	contestants := make([]backtest.Contestant, len(sums))
	for k, c := range sums {
		contestants[k] = c
	}
	contest := e.contest(machines)
	if horizon > 0 {
		contest.Horizon = horizon
	}
	cases, err := contest.Run(ctx, contestants)
	if err != nil {
		return nil, fmt.Errorf("calibrate machines for %s: %w", e.resource, err)
	}
	all := make([]needed, len(sums))
	for k := range sums {
		all[k] = needed{}
		for i, needed := range e.neededByDay(cases[k]) {
			members := len(machines[cases[k][i].Machine].At(cases[k][i].Origin).Present)
			all[k][members] = append(all[k][members], needed)
		}
	}
	return all, nil
}

// between returns the margins of machines with more than least members, and at
// most most.
func (n needed) between(least, most int) []models.DayScore {
	var all []models.DayScore
	for members := least + 1; members <= most; members++ {
		all = append(all, n[members]...)
	}
	return all
}
