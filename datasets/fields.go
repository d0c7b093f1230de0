package datasets

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// cut returns the field before the next sep and what follows it; rest is nil
// after the last field.
func cut(line []byte, sep byte) (field, rest []byte) {
	if i := bytes.IndexByte(line, sep); i >= 0 {
		return line[:i], line[i+1:]
	}
	return line, nil
}

// split appends the fields of line to dst[:0]. A field in double quotes may
// hold sep; quotes within it are doubled (RFC 4180, on one line).
func split(dst [][]byte, line []byte, sep byte) ([][]byte, error) {
	dst = dst[:0]
	for {
		var field []byte
		if len(line) > 0 && line[0] == '"' {
			end := closingQuote(line)
			if end < 0 {
				return dst, fmt.Errorf("column %d: quote without its end on this line", len(dst)+1)
			}
			field = bytes.ReplaceAll(line[1:end], []byte(`""`), []byte(`"`))
			line = line[end+1:]
			if len(line) > 0 && line[0] != sep {
				return dst, fmt.Errorf("column %d: text after the closing quote", len(dst)+1)
			}
			dst = append(dst, field)
			if len(line) == 0 {
				return dst, nil
			}
			line = line[1:]
			continue
		}
		field, rest := cut(line, sep)
		dst = append(dst, field)
		if rest == nil {
			return dst, nil
		}
		line = rest
	}
}

func closingQuote(line []byte) int {
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			i++
			continue
		}
		return i
	}
	return -1
}

// Powers of ten a float64 holds exactly.
var exactPowers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// number parses a finite decimal number. Short ones, nearly all, are made of an
// exact integer and an exact power of ten, whose quotient is correctly rounded
// (Clinger, PLDI'90).
func number(b []byte) (float64, bool) {
	i := 0
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		i = 1
	}
	mantissa, count, decimals, point := uint64(0), 0, 0, false
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
			count++
			if point {
				decimals++
			}
		case c == '.' && !point:
			point = true
		default:
			return parseFloat(b)
		}
	}
	if count == 0 || count > 15 {
		return parseFloat(b)
	}
	v := float64(mantissa) / exactPowers[decimals]
	if negative {
		v = -v
	}
	return v, true
}

func parseFloat(b []byte) (float64, bool) {
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// integer parses a decimal integer of at most 18 digits.
func integer(b []byte) (int64, bool) {
	i := 0
	if len(b) > 0 && b[0] == '-' {
		i = 1
	}
	if len(b) == i || len(b)-i > 18 {
		return 0, false
	}
	var v int64
	for ; i < len(b); i++ {
		c := b[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if b[0] == '-' {
		v = -v
	}
	return v, true
}

// amount parses a number that cannot be negative, naming the column in errors.
func amount(column string, b []byte) (float64, error) {
	v, ok := number(b)
	switch {
	case !ok:
		return 0, fmt.Errorf("%s %q is not a number", column, clip(b))
	case v < 0:
		return 0, fmt.Errorf("%s %s is negative", column, clip(b))
	case v > mostAmount:
		return 0, fmt.Errorf("%s %s is too large to be true", column, clip(b))
	}
	return v, nil
}

// mostAmount is more than a trace holds of anything, and small enough that
// products of amounts stay finite.
const mostAmount = 1e18

// clip keeps what is quoted in an error short.
func clip(b []byte) []byte {
	const most = 40
	if len(b) > most {
		return append(append([]byte(nil), b[:most]...), "..."...)
	}
	return b
}

// lastSecond is the end of the last year that a sample can be of, 2261.
const lastSecond = 9214646400

// seconds parses a count of seconds, whole or decimal, as a time that many
// after 1970; counts of 1e11 and more are milliseconds, which is the year 5138
// or 1973.
func seconds(column string, b []byte) (sec, nsec int64, err error) {
	if v, ok := integer(b); ok && v >= 0 {
		sec = v
		if v >= 1e11 {
			sec, nsec = v/1000, v%1000*1e6
		}
	} else {
		v, err := amount(column, b)
		if err != nil {
			return 0, 0, err
		}
		if v >= 1e11 {
			v /= 1000
		}
		sec, nsec = splitSeconds(v)
	}
	if sec >= lastSecond {
		return 0, 0, fmt.Errorf("%s %s is not a time in seconds or milliseconds", column, clip(b))
	}
	return sec, nsec, nil
}

// splitSeconds returns whole seconds and the rest in nanoseconds, to the
// millisecond.
func splitSeconds(v float64) (sec, nsec int64) {
	whole := math.Floor(v)
	return int64(whole), int64(math.Round((v-whole)*1e3)) * 1e6
}

// exactly fills dst with the fields of line, of which there must be as many.
func exactly(dst [][]byte, line []byte) error {
	columns := bytes.Count(line, []byte{','}) + 1
	if columns != len(dst) {
		return fmt.Errorf("%d columns, want %d", columns, len(dst))
	}
	for i := range dst {
		dst[i], line = cut(line, ',')
	}
	return nil
}
