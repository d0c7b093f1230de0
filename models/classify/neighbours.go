package classify

import (
	"fmt"
	"math"

	"github.com/sjwhitworth/golearn/kdtree"
	"gonum.org/v1/gonum/mat"
)

// neighbours finds the nearest of a set of points with golearn's k-d tree. It is
// immutable and safe for concurrent use.
//
// Of golearn's two ways to the nearest neighbours, package knn needs C and does
// not tell how the votes fell. The tree it searches is pure Go but takes its
// absent branches for points at the origin; so all points are moved far away
// from there. Bounds on the coordinates keep distances exact to nine digits.
type neighbours struct {
	tree *kdtree.Tree
}

const (
	// bound is the largest coordinate, by magnitude, of a point.
	bound = 4
	// away is where the points are moved: farther from the origin than any two
	// of them are from each other.
	away = 1 << 10
)

// newNeighbours builds the tree of points, of equal length and within bound.
func newNeighbours(points [][]float64) (n *neighbours, err error) {
	defer recoverGolearn(&err)
	moved := make([][]float64, len(points))
	for i, p := range points {
		moved[i] = move(p)
	}
	n = &neighbours{tree: kdtree.New()}
	if err := n.tree.Build(moved); err != nil {
		return nil, fmt.Errorf("build neighbours: %w", err)
	}
	return n, nil
}

// nearest returns the indices of the k points nearest to p, nearest first.
func (n *neighbours) nearest(p []float64, k int) (indices []int, err error) {
	defer recoverGolearn(&err)
	indices, _, err = n.tree.Search(k, euclidean{}, move(p))
	if err != nil {
		return nil, fmt.Errorf("search neighbours: %w", err)
	}
	return indices, nil
}

func move(p []float64) []float64 {
	moved := make([]float64, len(p))
	for i, x := range p {
		moved[i] = x + away
	}
	return moved
}

// recoverGolearn turns a panic into an error.
func recoverGolearn(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("golearn: %v", r)
	}
}

// euclidean is golearn's distance of the same name without its allocations.
type euclidean struct{}

func (euclidean) Distance(x, y *mat.Dense) float64 {
	a, b := x.RawMatrix().Data, y.RawMatrix().Data
	var sum float64
	for i := range a {
		d := a[i] - b[i]
		sum += d * d
	}
	return math.Sqrt(sum)
}

func (euclidean) InnerProduct(x, y *mat.Dense) float64 {
	a, b := x.RawMatrix().Data, y.RawMatrix().Data
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
