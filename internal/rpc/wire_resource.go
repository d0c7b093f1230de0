package rpc

import (
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/resource"
)

// Conversions from the wire take what validation has let through, or less: they
// accept nil and never panic. Both sides hold base units.

func resourcesFromWire(r *auspexv1.Resources) resource.Vector {
	return amountsFromWire(r.GetAmounts())
}

func amountsFromWire(amounts map[string]float64) resource.Vector {
	var v resource.Vector
	for name, x := range amounts {
		v = v.With(resource.Name(name), x)
	}
	return v
}

// resourcesToWire returns nil for a vector that holds nothing.
func resourcesToWire(v resource.Vector) *auspexv1.Resources {
	if v.Len() == 0 {
		return nil
	}
	amounts := make(map[string]float64, v.Len())
	for name, x := range v.All() {
		amounts[string(name)] = x
	}
	return &auspexv1.Resources{Amounts: amounts}
}

// count turns a number of things into its wire form.
func count(n int) uint32 { return uint32(min(max(n, 0), 1<<32-1)) }

func countsToWire(ns []int) []uint32 {
	if len(ns) == 0 {
		return nil
	}
	wire := make([]uint32, len(ns))
	for i, n := range ns {
		wire[i] = count(n)
	}
	return wire
}
