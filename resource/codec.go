package resource

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// MarshalJSON writes v as an object of amounts in base units, standard names
// first: {"cpu":2,"memory":4294967296}.
func (v Vector) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for n, x := range v.All() {
		if err := CheckAmount(n, abs(x)); err != nil {
			return nil, fmt.Errorf("encode resources: %w", err)
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, string(n))
		b = append(b, ':')
		b = strconv.AppendFloat(b, x, 'f', -1, 64)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads an object of amounts, each a number in base units or a
// string with a suffix.
func (v *Vector) UnmarshalJSON(data []byte) error {
	var raw map[Name]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("decode resources: %w", err)
	}
	return v.decode(func(yield func(Name, string) error) error {
		for _, n := range slices.Sorted(maps.Keys(raw)) {
			text := string(raw[n])
			switch {
			case text == "null":
				return fmt.Errorf("%s is null", n)
			case text[0] == '"':
				if err := json.Unmarshal(raw[n], &text); err != nil {
					return fmt.Errorf("%s: %w", n, err)
				}
			}
			if err := yield(n, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// FromMap builds a vector from amounts as text, the form configuration files
// and labels carry.
func FromMap(amounts map[string]string) (Vector, error) {
	var v Vector
	err := v.decode(func(yield func(Name, string) error) error {
		for _, n := range slices.Sorted(maps.Keys(amounts)) {
			if err := yield(Name(n), amounts[n]); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

func (v *Vector) decode(each func(func(Name, string) error) error) error {
	var out Vector
	err := each(func(n Name, text string) error {
		if err := n.Validate(); err != nil {
			return err
		}
		x, err := ParseAmount(n, text)
		if err != nil {
			return err
		}
		out = out.With(n, x)
		return nil
	})
	if err != nil {
		return fmt.Errorf("decode resources: %w", err)
	}
	*v = out
	return nil
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}
