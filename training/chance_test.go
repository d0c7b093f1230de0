package training

import (
	"fmt"
	"math"
	"testing"
)

func TestStudentT(t *testing.T) {
	for _, c := range []struct{ df, want float64 }{{4, 3.186}, {10, 2.466}, {30, 2.231}, {1e6, 2.128}} {
		if got := studentT(2.128, c.df); math.Abs(got-c.want) > .02 {
			t.Errorf("t of %g degrees is %.3f, want %.3f", c.df, got, c.want)
		}
	}
}

// Cases that stand and fall together say no more than one.
func TestChanceCountsClusters(t *testing.T) {
	counted := func(clusters, each int) clustered {
		var c clustered
		for k := range clusters * each {
			c.count(fmt.Sprint(k%clusters), k%clusters >= clusters/20)
		}
		return c
	}
	alone, many := counted(400, 1), counted(400, 50)
	if math.Abs(alone.chance()-many.chance()) > 1e-9 {
		t.Errorf("400 cases allow %.4f, each 50 times %.4f", alone.chance(), many.chance())
	}
	// Independent cases: the normal approximation of the binomial.
	if want := 2.128 * math.Sqrt(.95*.05/400); math.Abs(alone.chance()-want) > .002 {
		t.Errorf("400 cases allow %.4f, want %.4f", alone.chance(), want)
	}
	if one := counted(1, 100); one.chance() != -1 {
		t.Errorf("a single cluster allows %g", one.chance())
	}
}
