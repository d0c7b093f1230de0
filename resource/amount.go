package resource

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// suffix maps a unit suffix to its factor. Longer suffixes stand first, so
// that "Mi" is not read as "M" with a stray "i".
type suffix struct {
	text   string
	factor float64
}

var byteSuffixes = []suffix{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"PiB", 1 << 50},
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"Pi", 1 << 50},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"PB", 1e15},
	{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15},
	{"B", 1},
}

var countSuffixes = []suffix{{"m", 1e-3}, {"k", 1e3}, {"M", 1e6}}

// ParseAmount reads a non-negative amount of n with an optional unit suffix:
// "500m" or "1.5" cores and devices, "4GiB", "4Gi" or "4G" bytes, "10MB/s" bytes
// per second. Without a suffix the number is in the base unit.
func ParseAmount(n Name, text string) (float64, error) {
	s := strings.TrimSpace(text)
	suffixes := countSuffixes
	switch n.Unit() {
	case Bytes:
		suffixes = byteSuffixes
	case BytesPerSecond:
		suffixes = byteSuffixes
		s = strings.TrimSpace(strings.TrimSuffix(s, "/s"))
	}
	factor := 1.0
	for _, u := range suffixes {
		if rest, ok := strings.CutSuffix(s, u.text); ok {
			s, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		of := string(n.Unit())
		if of == string(Count) { // a custom resource is its own unit
			of = string(n)
		}
		return 0, fmt.Errorf("parse %s amount %q: want a number of %s with an optional suffix such as %s", n, text, of, example(n))
	}
	v *= factor
	if err := CheckAmount(n, v); err != nil {
		return 0, fmt.Errorf("parse %s amount %q: %w", n, text, err)
	}
	return v, nil
}

// CheckAmount reports why v cannot be an amount of n: it must be finite and
// not negative.
func CheckAmount(n Name, v float64) error {
	switch {
	case math.IsNaN(v):
		return fmt.Errorf("%s is NaN", n)
	case math.IsInf(v, 0):
		return fmt.Errorf("%s is infinite", n)
	case v < 0:
		return fmt.Errorf("%s is negative (%g %s)", n, v, n.Unit())
	}
	return nil
}

func example(n Name) string {
	switch n.Unit() {
	case Bytes:
		return "512MiB"
	case BytesPerSecond:
		return "10MB/s"
	}
	return "500m"
}

// FormatAmount prints v, an amount of n in its base unit, for people: bytes
// with a binary suffix, everything else with at most three decimals.
func FormatAmount(n Name, v float64) string {
	switch n.Unit() {
	case Bytes:
		return formatBytes(v)
	case BytesPerSecond:
		return formatBytes(v) + "/s"
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}

func formatBytes(v float64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for ; math.Abs(v) >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) + units[i]
}
