package app

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
)

// artefact is a fitted model as the models subcommands print it.
type artefact struct {
	registry.Meta
	Serves  []string        `json:"serves"`             // roles it is champion of
	Shadows []string        `json:"shadows,omitempty"`  // roles it is tried for
	Online  []trial.Summary `json:"measured,omitempty"` // what became of its forecasts
	Error   string          `json:"error,omitempty"`
}

// ListModels prints all artefacts, newest first.
func ListModels(stdio IO, configPath string, format output.Format) error {
	models, champions, err := openModels(configPath)
	if err != nil {
		return err
	}
	entries, err := models.List()
	if err != nil {
		return err
	}
	all := make([]artefact, len(entries))
	g := &output.Grid{Header: []string{"ID", "KIND", "CLASS", "RESOURCE", "CREATED", "FROM", "TO", "ROWS", "SERVES"}}
	for i, e := range entries {
		all[i] = artefact{Meta: e.Meta, Serves: serves(champions, e.Meta.ID), Shadows: shadows(champions, e.Meta.ID)}
		state := output.OrDash(all[i].state())
		if e.Err != nil {
			all[i].Error = e.Err.Error()
			state = "UNUSABLE: " + all[i].Error
		}
		m := e.Meta
		g.Add(m.ID, output.OrDash(string(m.Kind)), output.OrDash(string(m.Class)), output.OrDash(string(m.Resource)),
			m.Created.Format(time.RFC3339), m.From.Format(time.DateOnly), m.To.Format(time.DateOnly), m.Rows, state)
	}
	if len(all) == 0 {
		fmt.Fprintln(stdio.Err, "no models yet: 'auspex train' learns now, 'auspex serve' at night")
	}
	return output.Write(stdio.Out, format, all, g)
}

// ShowModel prints one artefact, after checking its files, what became of its
// forecasts, and its history in service. Named by a role, it prints what serves
// it instead.
func ShowModel(stdio IO, configPath, name string, format output.Format) error {
	models, champions, err := openModels(configPath)
	if err != nil {
		return err
	}
	online, err := measured(models)
	if err != nil {
		return err
	}
	if service, ok := champions[registry.Role(name)]; ok {
		r := role{Role: name, Service: service, Online: online.ofRole(name, service)}
		if registry.Role(name) == registry.MarginsRole {
			if r.Online, err = ofNodes(models); err != nil {
				return err
			}
		}
		return output.Write(stdio.Out, format, r, r)
	}
	if registry.Role(name).Known() {
		return fmt.Errorf("models show %s: nothing has served it yet (the last night's report says why)", name)
	}
	m, _, err := models.Load(name)
	if err != nil {
		return fmt.Errorf("%w (want an id of 'auspex models', or a role such as learned/service/cpu)", err)
	}
	a := artefact{Meta: m, Serves: serves(champions, name), Shadows: shadows(champions, name), Online: online.ofModel(name)}
	return output.Write(stdio.Out, format, a, artefactTable{a, champions})
}

// PromoteModel puts an artefact in service.
func PromoteModel(stdio IO, configPath, role, id, why string, format output.Format) error {
	if err := knownRole(role); err != nil {
		return err
	}
	models, _, err := openModels(configPath)
	if err != nil {
		return err
	}
	if err := models.Promote(registry.Role(role), id, why); err != nil {
		return err
	}
	return printService(stdio, models, registry.Role(role), format)
}

// RollbackModel puts back in service what served a role before.
func RollbackModel(stdio IO, configPath, role, why string, format output.Format) error {
	if err := knownRole(role); err != nil {
		return err
	}
	models, _, err := openModels(configPath)
	if err != nil {
		return err
	}
	restored, err := models.Rollback(registry.Role(role), why)
	if err != nil {
		return err
	}
	return printRestored(stdio, models, restored, format)
}

// rolledBack is what serves a role after a rollback, and what went back with it.
type rolledBack struct {
	registry.Service
	Skipped []string     `json:"skipped,omitempty"` // newer artefacts that cannot be used any more
	With    []wentBackTo `json:"with,omitempty"`
}

type wentBackTo struct {
	Role string `json:"role"`
	registry.Term
}

func printRestored(stdio IO, models *registry.Registry, back []registry.Restored, format output.Format) error {
	champions, err := models.Champions()
	if err != nil {
		return err
	}
	all := rolledBack{Service: champions[back[0].Role], Skipped: back[0].Skipped}
	text := servedBy(back[0].Role, back[0].Term)
	for _, b := range back[1:] {
		all.With = append(all.With, wentBackTo{string(b.Role), b.Term})
		text += servedBy(b.Role, b.Term)
	}
	return output.Write(stdio.Out, format, all, output.Text(text))
}

func servedBy(role registry.Role, t registry.Term) string {
	return fmt.Sprintf("%s is served by %s since %s (%s); a running server takes it over at its next refresh\n",
		role, output.OrDash(t.ID), t.Since.Format(time.RFC3339), t.Why)
}

func knownRole(name string) error {
	if !registry.Role(name).Known() {
		return misuse.Errorf("models: no role %q (want one such as learned/service/cpu; 'auspex models' lists what serves)", name)
	}
	return nil
}

func openModels(configPath string) (*registry.Registry, registry.Champions, error) {
	c, err := LoadConfig(configPath)
	if err != nil {
		return nil, nil, err
	}
	models, err := registry.Open(c.Models.Dir)
	if err != nil {
		return nil, nil, err
	}
	champions, err := models.Champions()
	return models, champions, err
}

func serves(champions registry.Champions, id string) []string {
	roles := []string{}
	for _, role := range slices.Sorted(maps.Keys(champions)) {
		if champions[role].ID == id {
			roles = append(roles, string(role))
		}
	}
	return roles
}

func shadows(champions registry.Champions, id string) []string {
	var roles []string
	for _, role := range slices.Sorted(maps.Keys(champions)) {
		if c := champions[role].Challenger; c != nil && c.ID == id {
			roles = append(roles, string(role))
		}
	}
	return roles
}

// state says what an artefact does.
func (a artefact) state() string {
	states := slices.Clone(a.Serves)
	for _, role := range a.Shadows {
		states = append(states, role+" (in shadow)")
	}
	return strings.Join(states, " ")
}

func printService(stdio IO, models *registry.Registry, role registry.Role, format output.Format) error {
	champions, err := models.Champions()
	if err != nil {
		return err
	}
	s := champions[role]
	return output.Write(stdio.Out, format, s, output.Text(servedBy(role, s.Term)))
}

// artefactTable shows an artefact to people.
type artefactTable struct {
	artefact
	champions registry.Champions
}

// WriteTable implements output.Tabler.
func (t artefactTable) WriteTable(w io.Writer) error {
	facts := &output.Grid{Header: []string{"FACT", "VALUE"}}
	facts.Add("id", t.ID)
	facts.Add("kind", string(t.Kind))
	facts.Add("class", output.OrDash(string(t.Class)))
	facts.Add("resource", output.OrDash(string(t.Resource)))
	facts.Add("created", t.Created.Format(time.RFC3339))
	facts.Add("fitted on", fmt.Sprintf("%s to %s, %d rows", t.From.Format(time.RFC3339), t.To.Format(time.RFC3339), t.Rows))
	facts.Add("serves", output.OrDash(t.state()))
	for _, name := range slices.Sorted(maps.Keys(t.Metrics)) {
		facts.Add(name, fmt.Sprintf("%.5g", t.Metrics[name]))
	}
	for _, f := range t.Files {
		facts.Add("file "+f.Name, fmt.Sprintf("%d bytes, sha256 %s", f.Bytes, f.SHA256))
	}
	past := termsGrid()
	for _, role := range slices.Concat(t.Serves, t.Shadows) {
		addTerms(past, role, t.champions[registry.Role(role)])
	}
	return output.WriteBlocks(w, output.Block{Grid: facts}, output.Block{Title: "measured in service", Grid: onlineGrid(t.Online)}, output.Block{Title: "in service", Grid: past})
}
