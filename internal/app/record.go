package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
)

// onlineCoverage is what became of the forecasts one model made of a class and
// resource, over the last two weeks.
type onlineCoverage struct {
	Class    string             `json:"class"`
	Resource string             `json:"resource"`
	Model    string             `json:"model"`
	Cases    int                `json:"cases"`
	Coverage map[string]float64 `json:"coverage"` // by level: share not exceeded
	Chance   map[string]float64 `json:"chance"`   // how far chance may have moved it; -1 when that cannot be told
	Loss     float64            `json:"pinball_mean"`
	Broken   string             `json:"broken,omitempty"` // the promise it is shown to break

	levels []float64
}

// record is what became of forecasts, as a server left it in the registry.
type record struct{ *trial.Record }

func measured(r *registry.Registry) (record, error) {
	out := record{&trial.Record{Levels: models.Levels()}}
	data, err := r.ReadNote(registry.RecordNote)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err == nil {
		err = json.Unmarshal(data, out.Record)
	}
	if err != nil {
		return out, fmt.Errorf("read what became of forecasts: %w", err)
	}
	return out, nil
}

func (r record) where(keep func(*trial.Entry) bool) []onlineCoverage {
	var all []onlineCoverage
	for _, e := range r.Entries() {
		if !keep(e) {
			continue
		}
		c := onlineCoverage{Class: e.Class, Resource: e.Resource, Model: e.Model, Cases: e.Tally.Cases(),
			Coverage: map[string]float64{}, Chance: map[string]float64{}, Loss: r.Loss(e).Mean, Broken: r.Broken(e), levels: r.Levels}
		for _, level := range r.Levels {
			misses, key := r.Misses(e, level), strconv.FormatFloat(level, 'g', -1, 64)
			c.Coverage[key], c.Chance[key] = 1-misses.Mean, -1
			if reach := misses.Reach(trial.Alpha); reach <= 1 {
				c.Chance[key] = reach
			}
		}
		all = append(all, c)
	}
	return all
}

func (r record) ofModel(id string) []onlineCoverage {
	return r.where(func(e *trial.Entry) bool { return e.Model == id })
}

// ofRole returns the record of everybody who was asked about what the role
// serves.
func (r record) ofRole(name string, s registry.Service) []onlineCoverage {
	class, resource, ok := registry.Role(name).Target()
	if !ok {
		return nil
	}
	return r.where(func(e *trial.Entry) bool {
		if e.Resource != string(resource) {
			return false
		}
		return e.Class == string(class) || e.Model == s.ID || s.Challenger != nil && e.Model == s.Challenger.ID
	})
}

func onlineGrid(all []onlineCoverage) *output.Grid {
	g := &output.Grid{Header: []string{"CLASS", "RESOURCE", "MODEL", "FORECASTS", "LOSS", "HELD, BY QUANTILE", "PROMISE"}}
	for _, c := range all {
		var held []string
		for _, level := range c.levels {
			key := strconv.FormatFloat(level, 'g', -1, 64)
			text := fmt.Sprintf("%s: %.3f", key, c.Coverage[key])
			if c.Chance[key] >= 0 {
				text += fmt.Sprintf(" ±%.3f", c.Chance[key])
			}
			held = append(held, text)
		}
		promise := "kept"
		if c.Broken != "" {
			promise = "BROKEN: " + c.Broken
		}
		g.Add(c.Class, c.Resource, c.Model, c.Cases, fmt.Sprintf("%.5f", c.Loss), strings.Join(held, "  "), promise)
	}
	return g
}

// role is what serves something, as models show prints it.
type role struct {
	Role string `json:"role"`
	registry.Service
	Online []onlineCoverage `json:"measured,omitempty"`
}

// WriteTable implements output.Tabler.
func (r role) WriteTable(w io.Writer) error {
	state := fmt.Sprintf("%s is served by %s", r.Role, r.ID)
	if r.ID == "" {
		state = r.Role + " HAS FALLEN BACK along the chain"
	}
	fmt.Fprintf(w, "%s since %s: %s\n", state, r.Since.Format(time.RFC3339), r.Why)
	if c := r.Challenger; c != nil {
		fmt.Fprintf(w, "in shadow: %s since %s: %s\n", c.ID, c.Since.Format(time.RFC3339), c.Why)
	}
	if d := r.Dismissed; d != nil {
		fmt.Fprintf(w, "dismissed: %s on %s: %s\n", d.ID, d.Since.Format(time.RFC3339), d.Why)
	}
	terms := termsGrid()
	addTerms(terms, r.Role, r.Service)
	return writeBlocks(w, block{"measured in service", onlineGrid(r.Online)}, block{"in service", terms})
}

func termsGrid() *output.Grid {
	return &output.Grid{Header: []string{"ROLE", "SINCE", "SERVED BY", "WHY"}}
}

// addTerms adds what serves and served a role, newest first.
func addTerms(g *output.Grid, name string, s registry.Service) {
	if c := s.Challenger; c != nil {
		g.Add(name, c.Since.Format(time.RFC3339), c.ID+" (in shadow)", c.Why)
	}
	for _, term := range append([]registry.Term{s.Term}, s.Past...) {
		g.Add(name, term.Since.Format(time.RFC3339), orDash(term.ID), term.Why)
	}
}
