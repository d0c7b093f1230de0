package classify

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The nearest of a set are those of a linear search, though the tree takes its
// absent branches for points at the origin.
func TestNeighboursAreTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 6).Draw(t, "width")
		// Few values, so that many are equal.
		coordinate := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-4*bound, 4*bound).Draw(t, "x")) / 4 })
		point := rapid.SliceOfN(coordinate, width, width)
		points := rapid.SliceOfN(point, 1, 60).Draw(t, "points")
		at := point.Draw(t, "at")
		k := rapid.IntRange(1, len(points)).Draw(t, "k")

		n, err := newNeighbours(points)
		if err != nil {
			t.Fatal(err)
		}
		near, err := n.nearest(at, k)
		if err != nil {
			t.Fatal(err)
		}
		var all, got []float64
		for _, p := range points {
			all = append(all, distance(p, at))
		}
		seen := map[int]bool{}
		for _, i := range near {
			if seen[i] {
				t.Fatalf("point %d twice", i)
			}
			seen[i] = true
			got = append(got, distance(points[i], at))
		}
		slices.Sort(all)
		for i := range got {
			if math.Abs(got[i]-all[i]) > 1e-9 {
				t.Fatalf("distances %v, want %v", got, all[:k])
			}
		}
	})
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}

func TestGolearnErrorsAndPanicsAreErrors(t *testing.T) {
	if _, err := newNeighbours(nil); err == nil {
		t.Error("no points are no error")
	}
	if _, err := newNeighbours([][]float64{{}, {}}); err == nil || !strings.Contains(err.Error(), "golearn") {
		t.Errorf("points without coordinates: %v", err)
	}
	n, err := newNeighbours([][]float64{{1, 2}, {3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.nearest([]float64{1, 2}, 3); err == nil {
		t.Error("three of two points are no error")
	}
	if _, err := n.nearest([]float64{1}, 1); err == nil {
		t.Error("a point of other columns is no error")
	}
}
