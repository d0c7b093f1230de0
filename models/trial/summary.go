package trial

import "strconv"

// Summary is what became of the forecasts one model made of a class and resource,
// for people and programs to read.
type Summary struct {
	Class    string             `json:"class"`
	Resource string             `json:"resource"`
	Model    string             `json:"model"`
	Cases    int                `json:"cases"`
	Coverage map[string]float64 `json:"coverage"` // by level: share not exceeded
	Chance   map[string]float64 `json:"chance"`   // how far chance may have moved it; -1 when that cannot be told
	Loss     float64            `json:"pinball_mean"`
	Broken   string             `json:"broken,omitempty"` // the promise it is shown to break
}

// Summaries returns the entries that keep holds for, in their order.
func (r *Record) Summaries(keep func(*Entry) bool) []Summary {
	var all []Summary
	for _, e := range r.entries {
		if !keep(e) {
			continue
		}
		s := Summary{Class: e.Class, Resource: e.Resource, Model: e.Model, Cases: e.Tally.Cases(),
			Coverage: map[string]float64{}, Chance: map[string]float64{}, Loss: r.Loss(e).Mean, Broken: r.Broken(e)}
		for _, level := range r.Levels {
			misses, key := r.Misses(e, level), LevelKey(level)
			s.Coverage[key], s.Chance[key] = 1-misses.Mean, -1
			if reach := misses.Reach(Alpha); reach <= 1 {
				s.Chance[key] = reach
			}
		}
		all = append(all, s)
	}
	return all
}

// LevelKey writes a level as maps by level have it.
func LevelKey(level float64) string { return strconv.FormatFloat(level, 'g', -1, 64) }

// Header and Row are a summary as a table.
func Header() []string {
	return []string{"class", "resource", "model", "forecasts", "loss", ".5 held", ".9", ".95", ".98", ".99", "promise"}
}

// Row is the summary's line under Header.
func (s *Summary) Row() []string {
	row := []string{s.Class, s.Resource, s.Model, strconv.Itoa(s.Cases), strconv.FormatFloat(s.Loss, 'f', 5, 64)}
	for _, level := range [...]float64{.5, .9, .95, .98, .99} {
		key := LevelKey(level)
		text := strconv.FormatFloat(s.Coverage[key], 'f', 3, 64)
		if chance := s.Chance[key]; chance >= 0 {
			text += " ± " + strconv.FormatFloat(chance, 'f', 3, 64)
		}
		row = append(row, text)
	}
	if s.Broken != "" {
		return append(row, "broken: "+s.Broken)
	}
	return append(row, "kept")
}
