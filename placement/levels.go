package placement

import "github.com/auspex-project/auspex/workload"

// partName returns which part of a level a place is in, node being the one there;
// "" for none. A rack is one of its zone, and so on upwards: zones of the same
// name in two regions are two.
func partName(level workload.Level, p Place, node string) string {
	switch level {
	case workload.AtNode:
		return node
	case workload.AtRack:
		return within(p.Rack, p.Provider, p.Region, p.Zone)
	case workload.AtZone:
		return within(p.Zone, p.Provider, p.Region)
	case workload.AtRegion:
		return within(p.Region, p.Provider)
	case workload.AtProvider:
		return p.Provider
	}
	return ""
}

// within returns name behind what it is in, "" where it is "".
func within(name string, in ...string) string {
	if name == "" {
		return ""
	}
	text := ""
	for _, s := range in {
		if s != "" {
			text += s + "/"
		}
	}
	return text + name
}

// Parts numbers the parts of the fleet of one level.
type Parts struct {
	Count int
	Of    []int32 // by place: the part it is in, -1 for none
}

// parts returns the parts of each level above nodes.
func (s *State) parts() map[workload.Level]Parts {
	all := make(map[workload.Level]Parts)
	for _, level := range [...]workload.Level{workload.AtRack, workload.AtZone, workload.AtRegion, workload.AtProvider} {
		parts, known := Parts{Of: make([]int32, len(s.Places))}, make(map[string]int32)
		for i, p := range s.Places {
			name := partName(level, p, "")
			at, ok := known[name]
			switch {
			case name == "":
				at = -1
			case !ok:
				at = int32(parts.Count)
				known[name] = at
				parts.Count++
			}
			parts.Of[i] = at
		}
		all[level] = parts
	}
	return all
}
