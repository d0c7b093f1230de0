package models

import (
	"testing"

	"github.com/auspex-project/auspex/resource"
)

// Only what kills at a limit it had not reached before is known from below.
func TestOnlyKillsThatSurpriseAreCensored(t *testing.T) {
	calm, full := make([]float32, featureCount), make([]float32, featureCount)
	for k := range levels {
		calm[k], full[k] = .5, 1
	}
	for _, c := range []struct {
		name  string
		of    resource.Name
		row   []float32
		share float32
		want  bool
	}{
		{"memory at its limit for the first time", resource.Memory, calm, .99, true},
		{"device memory, likewise", resource.GPUMemory, calm, 1, true},
		{"memory below its limit", resource.Memory, calm, .97, false},
		{"memory at its limit as ever", resource.Memory, full, 1, false},
		{"throttled CPU", resource.CPU, calm, 1, false},
		{"CPU as throttled as ever", resource.CPU, full, 1, false},
	} {
		if got := Censored(c.of, c.row, c.share); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
