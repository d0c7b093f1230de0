package datasets

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// epochSeconds is Epoch in Unix seconds.
const epochSeconds = 1578268800

// Epoch is where traces that count time from their own beginning start: Monday
// 2020-01-06, midnight UTC.
func Epoch() time.Time { return time.Unix(epochSeconds, 0).UTC() }

// Ref names a trace.
type Ref struct {
	Format string // one of Formats
	Path   string // of a file or folder; for synthetic its parameters
}

// ParseRef reads FORMAT:PATH. PATH is a file, or a folder of which every file
// is read in the order of their names, numbers within names by value.
func ParseRef(s string) (Ref, error) {
	name, path, ok := strings.Cut(s, ":")
	if !ok {
		return Ref{}, fmt.Errorf("trace %q: want FORMAT:PATH, FORMAT one of %s", s, strings.Join(Formats(), ", "))
	}
	r := Ref{Format: name, Path: path}
	if _, err := r.format(); err != nil {
		return Ref{}, err
	}
	if path == "" {
		return Ref{}, fmt.Errorf("trace %q: no path after %q", s, name+":")
	}
	return r, nil
}

// String returns FORMAT:PATH.
func (r Ref) String() string { return r.Format + ":" + r.Path }

// Label names the trace wherever its folder is: FORMAT and the last part of the
// path, such as "bitbrains:2013-8.csv.gz". It is the Source of its samples.
func (r Ref) Label() string {
	if r.Format == formatSynthetic {
		return r.String()
	}
	return r.Format + ":" + filepath.Base(r.Path)
}

// Formats returns the names of the formats that can be read.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

func (r Ref) format() (format, error) {
	for _, f := range formats() {
		if f.name == r.Format {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("trace %q: unknown format %q (want one of %s)", r.String(), r.Format, strings.Join(Formats(), ", "))
}
