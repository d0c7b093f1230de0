package config

import (
	"cmp"
	"fmt"
	"math"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Where   string // "auspex.yaml:12:7", or "environment AUSPEX_STORE_PATH"
	Key     string // "classes.web.risk"; "" for the file as a whole
	Message string // what is wrong, and what would be right

	line, column int // in the file, from 1; 0 is elsewhere
}

func (p Problem) String() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{p.Where, p.Key, p.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Error is everything that is wrong with a configuration, in the order of the
// file.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return fmt.Sprintf("configuration has %d problems:\n  %s", len(lines), strings.Join(lines, "\n  "))
}

// byPlace orders problems as they stand in the file, others last.
func byPlace(a, b Problem) int {
	const elsewhere = math.MaxInt
	lineOf := func(p Problem) int {
		if p.line == 0 {
			return elsewhere
		}
		return p.line
	}
	return cmp.Or(cmp.Compare(lineOf(a), lineOf(b)), cmp.Compare(a.column, b.column))
}

// didYouMean returns " (did you mean NAME?)" for the known name closest to
// given, "" when none is close.
func didYouMean(given string, known []string) string {
	if best := closest(given, known); best != "" {
		return fmt.Sprintf(" (did you mean %s?)", best)
	}
	return ""
}

// closest returns the known name closest to given, "" when none is close.
func closest(given string, known []string) string {
	best, least := "", max(1, len(given)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of single-character edits, swaps of neighbours among
// them, that make a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
