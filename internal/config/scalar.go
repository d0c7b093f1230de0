package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[Bytes]()
	vectorType   = reflect.TypeFor[resource.Vector]()
)

// parseScalar reads text as a value of t, the one place where units and numbers
// of the configuration are understood.
func parseScalar(t reflect.Type, text string) (reflect.Value, error) {
	v := reflect.New(t).Elem()
	switch {
	case t == durationType:
		d, err := parseDuration(text)
		if err != nil {
			return v, err
		}
		v.SetInt(int64(d))
	case t == bytesType:
		n, err := parseAmount(resource.Memory, text)
		switch {
		case errors.Is(err, errNoUnit):
			return v, err
		case err != nil || n >= math.MaxInt64:
			return v, fmt.Errorf("%q is not a size (want such as 64MiB)", text)
		}
		v.SetInt(int64(n))
	case t.Kind() == reflect.String:
		v.SetString(text)
	case t.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return v, fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return v, fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case t.Kind() == reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return v, fmt.Errorf("%q is not a whole number of 0 or more", text)
		}
		v.SetUint(n)
	case t.Kind() == reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return v, fmt.Errorf("%q is not a finite number", text)
		}
		v.SetFloat(x)
	default:
		return v, fmt.Errorf("no value of type %v can be configured", t)
	}
	return v, nil
}

var errNoUnit = errors.New("has no unit")

// parseAmount is resource.ParseAmount, but wants a unit for bytes: a limit of
// {memory: 64} is a mistake. 0 is 0 in any unit.
func parseAmount(n resource.Name, text string) (float64, error) {
	x, err := resource.ParseAmount(n, text)
	if err != nil || x == 0 || unitSuffix(n) == "" {
		return x, err
	}
	if _, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "/s")), 64); err == nil {
		return 0, fmt.Errorf("%q %w (want such as %s)", text, errNoUnit, "64Mi"+unitSuffix(n))
	}
	return x, nil
}

// unitSuffix returns what marks a number as being in the unit of n, "" if plain
// numbers are.
func unitSuffix(n resource.Name) string {
	switch n.Unit() {
	case resource.Bytes:
		return "B"
	case resource.BytesPerSecond:
		return "B/s"
	}
	return ""
}

// maxDays keeps a duration in days within what time.Duration can hold.
const maxDays = 100_000

// parseDuration reads what time.ParseDuration does, and days: "90d".
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && math.Abs(n) <= maxDays {
			return time.Duration(n * float64(day)), nil
		}
	}
	d, err := time.ParseDuration(text)
	switch {
	case err == nil:
		return d, nil
	case strings.Trim(text, "+-0123456789.") == "":
		return 0, fmt.Errorf("%q has no unit (want such as 30s, 5m, 24h or 7d)", text)
	}
	return 0, fmt.Errorf("%q is not a duration (want such as 30s, 5m, 24h or 7d)", text)
}

// formatScalar prints v as parseScalar reads it.
func formatScalar(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return formatDuration(x)
	case Bytes:
		return formatAmount(resource.Memory, float64(x))
	case resource.Vector:
		return "{" + strings.ReplaceAll(strings.ReplaceAll(x.String(), " ", ", "), "=", ": ") + "}"
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

// formatAmount prints an amount for people where that loses nothing, else in the
// unit of n.
func formatAmount(n resource.Name, x float64) string {
	text := resource.FormatAmount(n, x)
	if again, err := resource.ParseAmount(n, text); err == nil && again == x {
		return text
	}
	return strconv.FormatFloat(x, 'f', -1, 64) + unitSuffix(n)
}

func formatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	for _, zero := range []string{"h0m0s", "m0s"} {
		if strings.HasSuffix(s, zero) {
			return s[:len(s)-len(zero)+1]
		}
	}
	return s
}
