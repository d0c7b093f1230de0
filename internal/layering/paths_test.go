package layering

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machinePath matches absolute paths that exist on one machine only. A slash within a URL or a longer path does not count.
var machinePath = regexp.MustCompile(`(^|[^\w.:/-])/(work|farm|root|home|Users)/[\w./-]+`)

func TestMachinePaths(t *testing.T) { holds(t, machinePaths) }

func machinePaths(t *tree) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if path.Base(name) == "go.sum" {
			continue
		}
		number := 0
		for line := range strings.Lines(string(t.texts[name])) {
			number++
			if at := machinePath.FindString(line); at != "" {
				found = append(found, fmt.Sprintf("%s:%d: %s is a path of one machine", name, number, strings.TrimLeft(at, "\"'`( ")))
			}
		}
	}
	return found
}

func TestMachinePathsCanFail(t *testing.T) {
	home := "/" + "home/me/traces" // in two parts, or this file would break the rule
	proves(t, machinePaths, []proof{
		{"portable", map[string]string{
			"README.md":  "see https://example.org" + home + " and ../shared/data\n",
			"a/image.db": "\x00" + home,
		}, nil},
		{"one machine", map[string]string{
			"README.md":         "run\nauspex import " + home + "\n",
			".ci/run":           "cd \"" + home + "\"\n",
			"a/testdata/x.yaml": home + "\n",
		}, []string{
			".ci/run:1: " + home + " is a path of one machine",
			"README.md:2: " + home + " is a path of one machine",
			"a/testdata/x.yaml:1: " + home + " is a path of one machine",
		}},
	})
}
