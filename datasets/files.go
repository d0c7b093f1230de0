package datasets

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// files are the files of a trace in the order in which they are read.
type files struct {
	list  []file
	total int64        // bytes on disk
	read  atomic.Int64 // bytes of them read so far, over all passes since the last reset
}

type file struct {
	path    string
	size    int64
	regular bool // not a pipe, which can be read only once
}

// findFiles returns the file at path, or every file in the folder there and in
// the folders below it. Hidden files and those that come with a data set
// (README, LICENSE, *.md) are left out.
func findFiles(path string) (*files, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !stat.IsDir() {
		return newFiles([]file{{path, stat.Size(), stat.Mode().IsRegular()}}), nil
	}
	var list []file
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != path && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir() || isCompanion(d.Name()):
			return nil
		}
		stat, err := os.Stat(p) // follows links, which traces are often made of
		if err != nil {
			return err
		}
		if stat.Mode().IsRegular() {
			list = append(list, file{p, stat.Size(), true})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: the folder holds no files", path)
	}
	slices.SortFunc(list, func(a, b file) int { return compareNatural(a.path, b.path) })
	return newFiles(list), nil
}

func newFiles(list []file) *files {
	fs := &files{list: list}
	for _, f := range list {
		fs.total += f.size
	}
	return fs
}

// only returns the files that keep accepts.
func (fs *files) only(keep func(path string) bool) *files {
	var list []file
	for _, f := range fs.list {
		if keep(f.path) {
			list = append(list, f)
		}
	}
	return newFiles(list)
}

func isCompanion(name string) bool {
	upper := strings.ToUpper(name)
	return strings.HasPrefix(upper, "README") || strings.HasPrefix(upper, "LICENSE") || strings.HasSuffix(upper, ".MD")
}

// stem returns the name of a file without its folder and without .gz, .csv and
// .txt.
func stem(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".gz")
	return strings.TrimSuffix(strings.TrimSuffix(name, ".csv"), ".txt")
}

// compareNatural orders names as people do: runs of digits by their value, so
// that file-9 stands before file-10.
func compareNatural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		i, j := digits(x), digits(y)
		if i == 0 || j == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		m, n := strings.TrimLeft(x[:i], "0"), strings.TrimLeft(y[:j], "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		x, y = x[i:], y[j:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits returns the length of the run of digits at the start of s.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// progress returns how many bytes of how many were read; nil files have none.
func (fs *files) progress() (done, total int64) {
	if fs == nil {
		return 0, 0
	}
	return fs.read.Load(), fs.total
}
