package training

import (
	"context"
	"fmt"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
)

// MachineReport says what came of predicting random machines over the test
// window, with margins calibrated on the window before.
type MachineReport struct {
	Resource      string         `json:"resource"`
	Members       int            `json:"members"`
	Machines      int            `json:"machines"`
	Cases         int            `json:"cases"`
	Risk          float64        `json:"risk"` // nominal
	OracleSavings float64        `json:"oracle_savings"`
	Contestants   []MachineScore `json:"contestants"`
}

// MachineScore is one contestant's part, raw and calibrated.
type MachineScore struct {
	Name       string         `json:"name"`
	Raw        backtest.Score `json:"raw"`
	Margin     float32        `json:"margin"`
	Calibrated backtest.Score `json:"calibrated"`
}

// bandSizes are the members of the machines margins are calibrated on.
var bandSizes = [...]int{4, 8, 12, 20, 40, 80}

// bandMachines bounds the machines a band is calibrated on: more of them would
// share so many hours that they say little new.
const bandMachines = 200

// replicates is how often the tracks are dealt to machines anew.
const replicates = 5

// composed is the contestant of additive forecasts: the largest slot of the
// summed profiles, towards the sum of peaks.
type composed struct {
	name     string
	evidence *evidence
	peaks    [][]float32 // by track and judged row
}

var _ backtest.Contestant = composed{}

func (c composed) Name() string { return c.name }

func (c composed) Enter(_ *backtest.Panel, origins []int) backtest.Entry {
	e := &composedEntry{composed: c, rowOf: make([][]int, len(c.evidence.judged)), sums: c.evidence.plan.Grid.Slots}
	for k := range c.evidence.judged {
		e.rowOf[k] = make([]int, len(origins))
		for i := range e.rowOf[k] {
			e.rowOf[k][i] = -1
		}
		for row, at := range c.evidence.judged[k].rows.at {
			e.rowOf[k][c.evidence.originOf(at)] = row
		}
	}
	return e
}

type composedEntry struct {
	composed
	rowOf [][]int // by track and origin, -1 where no forecast could be made
	sums  int
}

func (c *composedEntry) Bounds(i int, at backtest.Membership, _ *backtest.Sum) (low, high float32) {
	sums := make([]float32, c.sums)
	for m, k := range at.Present {
		row, limit := c.rowOf[k][i], at.Limits[m]
		if row < 0 { // too young: it counts as its limit
			for s := range sums {
				sums[s] += limit
			}
			high += limit
			continue
		}
		for s, v := range c.evidence.judged[k].owns[row].profile {
			sums[s] += min(v, limit)
		}
		high += min(c.peaks[k][row], limit)
	}
	for _, v := range sums {
		low = max(low, v)
	}
	return low, high
}

// ownPeaks are the largest usages ever seen, and servedPeaks those that the
// chain with champions predicts.
func (e *evidence) ownPeaks() [][]float32 {
	peaks := make([][]float32, len(e.judged))
	for k, j := range e.judged {
		for _, o := range j.owns {
			peaks[k] = append(peaks[k], o.peak)
		}
	}
	return peaks
}

func (e *evidence) servedPeaks(set *models.Set) ([][]float32, error) {
	peaks := e.ownPeaks()
	shares := map[*models.Learned][][]float32{}
	for k := range e.judged {
		j := &e.judged[k]
		champion, ok := set.Champion(models.Target{Class: j.class, Resource: e.resource})
		if !ok {
			continue
		}
		if shares[champion.Model] == nil {
			s, err := e.shares(champion.Model)
			if err != nil {
				return nil, err
			}
			shares[champion.Model] = s
		}
		for i := range peaks[k] {
			predicted := shares[champion.Model][k][i*len(models.Levels())+models.PeakLevel] * j.rows.scales[i]
			peaks[k][i] = models.RaisedPeak(peaks[k][i], predicted)
		}
	}
	return peaks, nil
}

// reportMachines lets forecasts and baselines predict machines of one size.
func (e *evidence) reportMachines(ctx context.Context, set *models.Set) (MachineReport, error) {
	served, err := e.servedPeaks(set)
	if err != nil {
		return MachineReport{}, err
	}
	contestants := []backtest.Contestant{
		composed{"auspex", e, served}, composed{percentilesName, e, e.ownPeaks()},
		baseline.M(21), baseline.M(14),
	}
	for _, b := range e.plan.baselines() {
		contestants = append(contestants, b)
	}
	members := min(e.plan.Machine, len(e.panel.Tracks))
	r := MachineReport{Resource: string(e.resource), Members: members, Risk: e.plan.Risk}
	if members == 0 {
		return r, nil
	}
	machines := backtest.RandomMachines(e.panel, members, replicates, e.plan.Seed)
	cases, err := e.contest(machines).Run(ctx, contestants)
	if err != nil {
		return r, fmt.Errorf("replay machines of %d for %s: %w", members, e.resource, err)
	}
	r.Machines = len(machines)
	cut := e.panel.IndexOf(e.plan.test.From)
	for k, c := range contestants {
		past, test := backtest.Between(cases[k], 0, cut), backtest.Between(cases[k], cut, e.panel.Steps)
		score := MachineScore{Name: c.Name(), Raw: backtest.Judge(test, 0)}
		if q, ok := backtest.Margin(past, e.plan.Risk); ok {
			score.Margin = q
			score.Calibrated = backtest.Judge(test, q)
		}
		r.Cases = len(test)
		r.OracleSavings = backtest.Oracle(test)
		r.Contestants = append(r.Contestants, score)
	}
	return r, nil
}

func (e *evidence) contest(machines []*backtest.Machine) backtest.Contest {
	return backtest.Contest{Panel: e.panel, Machines: machines, Origins: e.origins, Horizon: e.plan.Grid.Span(), Workers: e.plan.Workers}
}

// calibrate returns the margins that forecasts of set would have needed, over
// all the days no model was fitted on.
func (e *evidence) calibrate(ctx context.Context, set *models.Set) ([]forecast.Band, error) {
	served, err := e.servedPeaks(set)
	if err != nil {
		return nil, err
	}
	var bands []forecast.Band
	for _, members := range bandSizes {
		if 2*members > len(e.panel.Tracks) && len(bands) > 0 {
			break
		}
		machines := backtest.RandomMachines(e.panel, min(members, max(len(e.panel.Tracks), 1)), replicates, e.plan.Seed+1)
		machines = machines[:min(len(machines), bandMachines)]
		cases, err := e.contest(machines).Run(ctx, []backtest.Contestant{composed{"auspex", e, served}})
		if err != nil {
			return nil, fmt.Errorf("calibrate machines of %d for %s: %w", members, e.resource, err)
		}
		if band := models.CalibrateBand(e.resource, members, backtest.Needed(cases[0])); len(band.Points) > 0 {
			bands = append(bands, band)
		}
	}
	return bands, nil
}
