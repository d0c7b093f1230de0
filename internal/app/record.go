package app

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
)

// record is what became of forecasts, as a server left it in the registry.
type record struct{ *trial.Record }

func measured(r *registry.Registry) (record, error) {
	out := record{&trial.Record{Levels: models.Levels()}}
	if err := r.DecodeNote(registry.RecordNote, out.Record); err != nil {
		return out, fmt.Errorf("read what became of forecasts: %w", err)
	}
	return out, nil
}

// ofNodes returns what became of promises for nodes, as a server left it.
func ofNodes(r *registry.Registry) ([]trial.Summary, error) {
	note := struct {
		Record *trial.Record `json:"record"`
	}{&trial.Record{}}
	err := r.DecodeNote(registry.NodesNote, &note)
	if err == nil && note.Record == nil {
		err = errors.New("it holds no record")
	}
	if err != nil {
		return nil, fmt.Errorf("read what became of promises for nodes: %w", err)
	}
	return note.Record.Summaries(func(*trial.Entry) bool { return true }), nil
}

func (r record) ofModel(id string) []trial.Summary {
	return r.Summaries(func(e *trial.Entry) bool { return e.Model == id })
}

// ofRole returns the record of everybody who was asked about what the role
// serves.
func (r record) ofRole(name string, s registry.Service) []trial.Summary {
	class, resource, ok := registry.Role(name).Target()
	if !ok {
		return nil
	}
	return r.Summaries(func(e *trial.Entry) bool {
		if e.Resource != string(resource) {
			return false
		}
		return e.Class == string(class) || e.Model == s.ID || s.Challenger != nil && e.Model == s.Challenger.ID
	})
}

func onlineGrid(all []trial.Summary) *output.Grid {
	g := &output.Grid{Header: trial.Header()}
	for i := range g.Header {
		g.Header[i] = strings.ToUpper(g.Header[i])
	}
	for _, s := range all {
		g.Rows = append(g.Rows, s.Row())
	}
	return g
}

// role is what serves something, as models show prints it.
type role struct {
	Role string `json:"role"`
	registry.Service
	Online []trial.Summary `json:"measured,omitempty"`
}

// WriteTable implements output.Tabler.
func (r role) WriteTable(w io.Writer) error {
	state := fmt.Sprintf("%s is served by %s", r.Role, r.ID)
	switch {
	case r.Fell():
		state = r.Role + " HAS FALLEN BACK along the chain"
	case r.ID == "":
		state = r.Role + " is served by the rest of the chain: no model has won yet,"
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
	return output.WriteBlocks(w, output.Block{Title: "measured in service", Grid: onlineGrid(r.Online)}, output.Block{Title: "in service", Grid: terms})
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
		g.Add(name, term.Since.Format(time.RFC3339), output.OrDash(term.ID), term.Why)
	}
}
