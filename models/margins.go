package models

import (
	"encoding/json"
	"fmt"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// risks are those margins are calibrated for, falling as forecast.Band wants.
var risks = [...]float64{.1, .05, .02, .01, .005, .002, .001}

// CalibrateBand returns the margins that would have held on past nodes of at
// most members workloads: needed has, for each node and moment, the smallest
// margin with which the forecast was not exceeded (forecast.Needed). It reorders
// needed. Risks that so few cases cannot promise are left out.
func CalibrateBand(n resource.Name, members int, needed []float32) forecast.Band {
	b := forecast.Band{Resource: n, MaxMembers: members}
	for _, risk := range risks {
		if q, ok := ConformalQuantile(needed, 1-risk); ok {
			b.Points = append(b.Points, forecast.Point{Risk: risk, Q: max(0, q)})
		}
	}
	return b
}

const marginsFile = "margins.json"

// EncodeMargins returns m as the files of an artefact.
func EncodeMargins(m forecast.Margins) (map[string][]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode margins: %w", err)
	}
	return map[string][]byte{marginsFile: data}, nil
}

// DecodeMargins reads what EncodeMargins wrote.
func DecodeMargins(files map[string][]byte) (forecast.Margins, error) {
	var m forecast.Margins
	if err := json.Unmarshal(files[marginsFile], &m); err != nil {
		return forecast.Margins{}, fmt.Errorf("decode margins: %s: %w", marginsFile, err)
	}
	if err := m.Validate(); err != nil {
		return forecast.Margins{}, fmt.Errorf("decode margins: %w", err)
	}
	return m, nil
}
