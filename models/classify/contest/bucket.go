package contest

import (
	"sort"
	"time"
)

// Buckets are consecutive classes of a value.
type Buckets struct {
	Names []string
	// Edges[i] is the largest value of class i; the last class has none.
	Edges []float64
	// Log says that values differ by factors.
	Log bool
}

// of returns the class of a value; without edges the value is the class.
func (b Buckets) of(x float64) int {
	if b.Edges == nil {
		return int(x)
	}
	return sort.SearchFloat64s(b.Edges, x)
}

// scale is what a value is learned as.
func (b Buckets) scale(x float64) float32 {
	if b.Log {
		return float32(log2(x))
	}
	return float32(x)
}

// The buckets of Resource Central, Table 3.

// lifetimes is of seconds.
func lifetimes() Buckets {
	return Buckets{
		Names: []string{"<=15m", "<=1h", "<=24h", ">24h"},
		Edges: []float64{(15 * time.Minute).Seconds(), time.Hour.Seconds(), (24 * time.Hour).Seconds()},
		Log:   true,
	}
}

// deployments is of machines.
func deployments() Buckets {
	return Buckets{Names: []string{"1", "2-10", "11-100", ">100"}, Edges: []float64{1.5, 10.5, 100.5}, Log: true}
}

// utilisations is of shares of the limit.
func utilisations() Buckets {
	return Buckets{Names: []string{"<=25%", "<=50%", "<=75%", ">75%"}, Edges: []float64{.25, .5, .75}}
}
