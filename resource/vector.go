package resource

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// Vector holds an amount for each of a set of resources. It is a value: copies
// are independent, methods return new vectors, and the zero Vector is empty
// and ready to use. A resource that is absent counts as zero in arithmetic;
// Has tells "zero" from "not given" or "not measured".
type Vector struct {
	std    [len(standard)]float64
	has    uint8    // bit i: standard[i] is present
	custom []amount // sorted by name; never changed once shared
}

type amount struct {
	name  Name
	value float64
}

// Of returns the vector with the given amounts of CPU (cores) and memory
// (bytes), the pair most workloads are described by.
func Of(cpuCores, memoryBytes float64) Vector {
	return Vector{}.With(CPU, cpuCores).With(Memory, memoryBytes)
}

// Get returns the amount of n, 0 when absent.
func (v *Vector) Get(n Name) float64 {
	if i := n.slot(); i >= 0 {
		return v.std[i]
	}
	if i, ok := v.find(n); ok {
		return v.custom[i].value
	}
	return 0
}

// Has reports whether v holds n, be it zero.
func (v *Vector) Has(n Name) bool {
	if i := n.slot(); i >= 0 {
		return v.has&(1<<i) != 0
	}
	_, ok := v.find(n)
	return ok
}

// With returns v with n set to value.
func (v Vector) With(n Name, value float64) Vector {
	if i := n.slot(); i >= 0 {
		v.std[i] = value
		v.has |= 1 << i
		return v
	}
	i, ok := v.find(n)
	custom := slices.Clone(v.custom)
	if ok {
		custom[i].value = value
	} else {
		custom = slices.Insert(custom, i, amount{n, value})
	}
	v.custom = custom
	return v
}

// Without returns v with n absent.
func (v Vector) Without(n Name) Vector {
	if i := n.slot(); i >= 0 {
		v.std[i] = 0
		v.has &^= 1 << i
		return v
	}
	if i, ok := v.find(n); ok {
		v.custom = slices.Delete(slices.Clone(v.custom), i, i+1)
	}
	return v
}

// All yields the resources present and their amounts, standard names first in
// their fixed order, then custom names sorted.
func (v Vector) All() iter.Seq2[Name, float64] {
	return func(yield func(Name, float64) bool) {
		for i, n := range standard {
			if v.has&(1<<i) != 0 && !yield(n, v.std[i]) {
				return
			}
		}
		for _, a := range v.custom {
			if !yield(a.name, a.value) {
				return
			}
		}
	}
}

// Len returns the number of resources present.
func (v Vector) Len() int {
	n := len(v.custom)
	for i := range standard {
		n += int(v.has >> i & 1)
	}
	return n
}

// IsZero reports whether every amount is zero.
func (v Vector) IsZero() bool {
	for _, x := range v.All() {
		if x != 0 {
			return false
		}
	}
	return true
}

// Equal reports whether v and o hold the same resources in the same amounts.
func (v Vector) Equal(o Vector) bool {
	return v.std == o.std && v.has == o.has && slices.Equal(v.custom, o.custom)
}

// Add returns v + o.
func (v Vector) Add(o Vector) Vector {
	return v.combine(o, func(a, b float64) float64 { return a + b })
}

// Sub returns v - o; amounts may become negative.
func (v Vector) Sub(o Vector) Vector {
	return v.combine(o, func(a, b float64) float64 { return a - b })
}

// Max returns the larger amount of each resource.
func (v Vector) Max(o Vector) Vector { return v.combine(o, math.Max) }

// Scale returns v with every amount multiplied by f.
func (v Vector) Scale(f float64) Vector {
	for i := range v.std {
		if v.has&(1<<i) != 0 { // 0 * Inf is not 0
			v.std[i] *= f
		}
	}
	v.custom = slices.Clone(v.custom)
	for i := range v.custom {
		v.custom[i].value *= f
	}
	return v
}

// Fits reports whether every amount of v is at most that of capacity, and if
// not, the first resource that is too large.
func (v Vector) Fits(capacity Vector) (Name, bool) {
	for n, x := range v.All() {
		if x > capacity.Get(n) {
			return n, false
		}
	}
	return "", true
}

// DominantShare returns the resource of which v takes the largest share of
// total, and that share (Ghodsi et al., NSDI'11, section 3). Resources of which
// total holds nothing are left out unless v asks for them: then the share is
// +Inf. An empty v has share 0 and no name.
func (v Vector) DominantShare(total Vector) (Name, float64) {
	var name Name
	share := 0.0
	for n, x := range v.All() {
		if x <= 0 {
			continue
		}
		s := math.Inf(1)
		if all := total.Get(n); all > 0 {
			s = x / all
		}
		if s > share {
			name, share = n, s
		}
	}
	return name, share
}

// Validate reports the first amount that is NaN, infinite or negative, or the
// first invalid name.
func (v Vector) Validate() error {
	for i, x := range v.std { // what is absent is 0
		if !(x >= 0 && x <= math.MaxFloat64) {
			return CheckAmount(standard[i], x)
		}
	}
	for _, a := range v.custom {
		if err := a.name.Validate(); err != nil {
			return err
		}
		if err := CheckAmount(a.name, a.value); err != nil {
			return err
		}
	}
	return nil
}

// String prints v for people, such as "cpu=2 memory=4GiB".
func (v Vector) String() string {
	var b strings.Builder
	for n, x := range v.All() {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", n, FormatAmount(n, x))
	}
	return b.String()
}

// Parse reads "cpu=2,memory=4GiB"; commas or spaces separate the amounts. A
// resource given twice is an error.
func Parse(text string) (Vector, error) {
	var v Vector
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return Vector{}, fmt.Errorf("parse resources %q: %q is not name=amount", text, field)
		}
		n := Name(name)
		if err := n.Validate(); err != nil {
			return Vector{}, fmt.Errorf("parse resources %q: %w", text, err)
		}
		if v.Has(n) {
			return Vector{}, fmt.Errorf("parse resources %q: %s given twice", text, n)
		}
		x, err := ParseAmount(n, value)
		if err != nil {
			return Vector{}, fmt.Errorf("parse resources %q: %w", text, err)
		}
		v = v.With(n, x)
	}
	return v, nil
}

func (v *Vector) find(n Name) (int, bool) {
	return slices.BinarySearchFunc(v.custom, n, func(a amount, n Name) int { return cmp.Compare(a.name, n) })
}

func (v Vector) combine(o Vector, f func(a, b float64) float64) Vector {
	for i := range v.std {
		v.std[i] = f(v.std[i], o.std[i])
	}
	v.has |= o.has
	if len(v.custom) == 0 && len(o.custom) == 0 {
		return v
	}
	merged := make([]amount, 0, len(v.custom)+len(o.custom))
	for i, j := 0, 0; i < len(v.custom) || j < len(o.custom); {
		switch {
		case j == len(o.custom) || i < len(v.custom) && v.custom[i].name < o.custom[j].name:
			merged = append(merged, amount{v.custom[i].name, f(v.custom[i].value, 0)})
			i++
		case i == len(v.custom) || o.custom[j].name < v.custom[i].name:
			merged = append(merged, amount{o.custom[j].name, f(0, o.custom[j].value)})
			j++
		default:
			merged = append(merged, amount{v.custom[i].name, f(v.custom[i].value, o.custom[j].value)})
			i, j = i+1, j+1
		}
	}
	v.custom = merged
	return v
}
