package resource_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
)

// amounts is a vector as a map: the dumb oracle.
type amounts map[resource.Name]float64

func (m amounts) vector() (v resource.Vector) {
	for n, x := range m {
		v = v.With(n, x)
	}
	return v
}

func anyAmounts() *rapid.Generator[amounts] {
	return rapid.Custom(func(t *rapid.T) amounts {
		return rapid.MapOfN(anyName(), rapid.OneOf(rapid.SampledFrom([]float64{0, 1, 2}), rapid.Float64Range(0, 1e12)), 0, 8).Draw(t, "amounts")
	})
}

// check holds every way of reading v against the map.
func check(t *rapid.T, what string, v resource.Vector, want amounts) {
	t.Helper()
	seen := 0
	for n, x := range v.All() {
		if y, ok := want[n]; !ok || x != y {
			t.Fatalf("%s: %s is %v, want %v", what, n, x, want)
		}
		seen++
	}
	if seen != len(want) || v.Len() != len(want) || !v.Equal(want.vector()) {
		t.Fatalf("%s: %v of length %d, want %v", what, v, v.Len(), want)
	}
	for _, n := range append(resource.Standard(), "a", "b", "licences", "x/y.z-1", "never") {
		x, ok := want[n]
		if v.Get(n) != x || v.Has(n) != ok {
			t.Fatalf("%s: %s is %v, %t; want %v, %t", what, n, v.Get(n), v.Has(n), x, ok)
		}
	}
}

// Operations agree with those on maps and leave their operands alone.
func TestVectorIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmounts().Draw(t, "a"), anyAmounts().Draw(t, "b")
		v, w := a.vector(), b.vector()
		n, x := anyName().Draw(t, "name"), rapid.Float64Range(0, 10).Draw(t, "x")

		combined := func(f func(x, y float64) float64) amounts {
			m := amounts{}
			for n := range a {
				m[n] = f(a[n], b[n])
			}
			for n := range b {
				m[n] = f(a[n], b[n])
			}
			return m
		}
		check(t, "add", v.Add(w), combined(func(x, y float64) float64 { return x + y }))
		check(t, "sub", v.Sub(w), combined(func(x, y float64) float64 { return x - y }))
		check(t, "max", v.Max(w), combined(math.Max))

		scaled, with, without := amounts{}, amounts{n: x}, amounts{}
		for m, y := range a {
			scaled[m] = y * x
			if m != n {
				with[m], without[m] = y, y
			}
		}
		check(t, "scale", v.Scale(x), scaled)
		check(t, "with", v.With(n, x), with)
		check(t, "without", v.Without(n), without)
		check(t, "a", v, a)
		check(t, "b", w, b)
	})
}

func TestVectorRelations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmounts().Draw(t, "a"), anyAmounts().Draw(t, "b")
		v, w := a.vector(), b.vector()

		first, fits := v.Fits(w)
		fitsAll, zero, same := true, true, len(a) == len(b)
		for n, x := range a {
			fitsAll = fitsAll && x <= b[n]
			zero = zero && x == 0
			y, ok := b[n]
			same = same && ok && x == y
		}
		if fits != fitsAll || fits != (first == "") || !fits && !(a[first] > b[first]) {
			t.Fatalf("%v fits %v: %t because of %q", v, w, fits, first)
		}
		if v.IsZero() != zero || v.Equal(w) != same {
			t.Fatalf("%v is zero: %t; equals %v: %t", v, v.IsZero(), w, v.Equal(w))
		}
		if _, fits := v.Fits(v.Max(w)); !fits {
			t.Fatalf("%v does not fit the larger of itself and %v", v, w)
		}

		name, share := v.DominantShare(w)
		for n, x := range a {
			if s := x / b[n]; s > share {
				t.Fatalf("%s has share %v of %v, more than the dominant %s with %v", n, s, w, name, share)
			}
		}
		if (share == 0) != zero || (name == "") != zero || !zero && a[name]/b[name] != share {
			t.Fatalf("dominant share of %v in %v: %s %v", v, w, name, share)
		}
	})
}

// The example of Ghodsi et al., NSDI'11, section 4: 9 CPUs and 18 GB.
func TestDominantShareOfThePaper(t *testing.T) {
	total := resource.Of(9, 18)
	for _, c := range []struct {
		task  resource.Vector
		name  resource.Name
		share float64
	}{{resource.Of(1, 4), resource.Memory, 4. / 18}, {resource.Of(3, 1), resource.CPU, 1. / 3}} {
		if n, s := c.task.DominantShare(total); n != c.name || s != c.share {
			t.Errorf("dominant share of %v: %s %v, want %s %v", c.task, n, s, c.name, c.share)
		}
	}
}

func TestDominantShareOfNothing(t *testing.T) {
	gpu := resource.Vector{}.With(resource.GPU, 1)
	for _, total := range []resource.Vector{resource.Of(9, 18), resource.Of(9, 18).With(resource.GPU, 0), resource.Of(9, 18).With(resource.GPU, -1)} {
		if n, s := gpu.Add(resource.Of(1, 1)).DominantShare(total); n != resource.GPU || !math.IsInf(s, 1) {
			t.Errorf("dominant share of a gpu in %v: %s %v, want +Inf", total, n, s)
		}
	}
	if n, s := resource.Of(0, 0).DominantShare(resource.Vector{}); n != "" || s != 0 {
		t.Errorf("dominant share of nothing: %s %v", n, s)
	}
}

func TestVectorsAreValues(t *testing.T) {
	base := resource.Vector{}.With("a", 1).With("c", 3)
	one, two := base.With("b", 2), base.With("b", 20)
	three := base.With("a", 10)
	if one.Get("b") != 2 || two.Get("b") != 20 || three.Get("a") != 10 || base.Get("a") != 1 || base.Has("b") {
		t.Errorf("copies share their memory: %v, %v, %v, %v", base, one, two, three)
	}
	gone := one.Without("a")
	if !one.Has("a") || gone.Has("a") || gone.Len() != 2 {
		t.Errorf("without shares its memory: %v, %v", one, gone)
	}
}

func TestOrderOfAll(t *testing.T) {
	v := resource.Vector{}.With("zeta", 1).With(resource.Network, 1).With("alpha", 1).With(resource.CPU, 1).With(resource.Memory, 0)
	want := []resource.Name{resource.CPU, resource.Memory, resource.Network, "alpha", "zeta"}
	var got []resource.Name
	for n := range v.All() {
		got = append(got, n)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v", got, want)
	}
	for range 2 { // stops when told to
		for n := range v.All() {
			if n != resource.CPU {
				t.Errorf("went on to %s", n)
			}
			break
		}
	}
}

func TestScaleByInfinity(t *testing.T) {
	v := resource.Vector{}.With(resource.CPU, 1).Scale(math.Inf(1))
	if !math.IsInf(v.Get(resource.CPU), 1) || v.Get(resource.Memory) != 0 || v.Has(resource.Memory) {
		t.Errorf("scaled by infinity: %v", v)
	}
}

func TestVectorValidate(t *testing.T) {
	for want, v := range map[string]resource.Vector{
		"":         resource.Of(1, 2).With("licences", 0),
		"NaN":      resource.Of(math.NaN(), 2),
		"infinite": resource.Of(1, 2).With("licences", math.Inf(1)),
		"negative": resource.Of(1, -2),
		"'N' at 0": resource.Of(1, 2).With("No", 1),
	} {
		if err := v.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", v, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]resource.Vector{
		"": {}, " , ": {}, "cpu=2": resource.Vector{}.With(resource.CPU, 2), "cpu=2,memory=4GiB": resource.Of(2, 4<<30),
		"memory=4GiB  cpu=500m": resource.Of(.5, 4<<30), "licences=3, gpu=0": resource.Vector{}.With("licences", 3).With(resource.GPU, 0),
	} {
		if got, err := resource.Parse(text); err != nil || !got.Equal(want) {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"cpu": `"cpu" is not name=amount`, "cpu=1,cpu=2": "cpu given twice", "cpu=x": "want a number", "Cpu=1": "'C' at 0", "=1": "empty", "memory=4 GiB": `"GiB" is not name=amount`,
	} {
		if _, err := resource.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", text, err, want)
		}
	}
	if got := resource.Of(2, 4<<30).With("licences", 3).String(); got != "cpu=2 memory=4GiB licences=3" {
		t.Errorf("printed as %q", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	v, w := resource.Of(1, 2), resource.Of(3, 4)
	for b.Loop() {
		v = v.Add(w)
	}
	if v.Get(resource.CPU) != 1+3*float64(b.N) {
		b.Fatalf("sum is %v", v)
	}
}
