package training

import (
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// changes are what the night of a report has decided so far. They are made at once
// when it is over: what serves was fitted, judged and calibrated together, and a night
// that is killed leaves all as it was.
func (r *Report) changes() []registry.Change {
	var all []registry.Change
	decided := func(role registry.Role, v Verdict, champion, challenger, why string) {
		switch v {
		case Promoted:
			all = append(all, registry.Change{Role: role, ID: champion, Why: why})
		case Shadowed:
			all = append(all, registry.Change{Role: role, ID: challenger, Shadow: true, Why: why})
		case FellBack:
			all = append(all, registry.Change{Role: role, Why: why})
		}
	}
	for _, t := range r.Targets {
		target := models.Target{Class: workload.Class(t.Class), Resource: resource.Name(t.Resource)}
		decided(registry.LearnedRole(target), t.Verdict, t.Champion, t.Challenger, t.Why)
	}
	if r.Prior.ID != "" {
		all = append(all, registry.Change{Role: registry.PriorRole, ID: r.Prior.ID, Why: r.Prior.Why})
	}
	decided(registry.ClassifierRole, r.Classification.Verdict, r.Classification.Champion, "", r.Classification.Why)
	for _, p := range r.Profiles {
		decided(registry.ProfileRole(resource.Name(p.Resource)), p.Verdict, p.Champion, p.Challenger, p.Why)
	}
	if r.Margins.ID != "" {
		all = append(all, registry.Change{Role: registry.MarginsRole, ID: r.Margins.ID, Why: r.Margins.Why})
	}
	return all
}

// set is what would serve if the night were over. Margins are not in it.
func (n *night) set() (set *models.Set, refused []error) {
	return n.registry.SetAfter(n.Grid, append(n.report.changes(), registry.Change{Role: registry.MarginsRole})...)
}
