package forecast

import (
	"testing"

	"pgregory.net/rapid"
)

// Needed and Peak are each other's inverse wherever the limit does not cut.
func TestNeededIsWhatPeakWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		profile := rapid.Float32Range(0, 100).Draw(t, "profile")
		peak := rapid.Float32Range(0, 100).Draw(t, "peak")
		limit := rapid.Float32Range(200, 400).Draw(t, "limit")
		actual := rapid.Float32Range(0, 199).Draw(t, "actual")
		q := Needed(profile, peak, limit, actual)
		if got := Peak(profile, peak, limit, q); got < actual-1e-3 || got > actual+1e-3 {
			t.Fatalf("Peak(%g, %g, %g, %g) = %g, want %g", profile, peak, limit, q, got, actual)
		}
	})
}

func TestNeededOfNothingIsFinite(t *testing.T) {
	if q := Needed(0, 0, 0, 0); q != 0 {
		t.Errorf("an idle node without limits needs a margin of %g, want 0", q)
	}
	if q := Needed(0, 0, 0, 5); q <= 1 || q > 1e10 {
		t.Errorf("usage out of nowhere needs a margin of %g, want a large finite one", q)
	}
}
