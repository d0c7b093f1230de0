package placement

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestMicrowattsRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		watts := rapid.Float32Range(-1e9, 1e9).Draw(t, "watts")
		if rapid.Bool().Draw(t, "half") { // of a microwatt, or next to it
			watts = float32(rapid.IntRange(-100, 100).Draw(t, "odd")*2+1) / 2e6
		}
		if got, want := Microwatts(watts), int64(math.Round(float64(watts)*1e6)); got != want {
			t.Fatalf("%g W are %d µW, want %d", watts, got, want)
		}
	})
}
