package models

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSelectQuantileIsThatOfSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float32Range(0, 10), 1, 60).Draw(t, "values")
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		got := selectQuantile(values, p)
		if want := quantileOf(sorted, p); got != want {
			t.Fatalf("the %g-quantile of %v is %g, want %g", p, sorted, got, want)
		}
		slices.Sort(values)
		if !slices.Equal(values, sorted) {
			t.Fatalf("selecting changed the values to %v, they were %v", values, sorted)
		}
	})
}
