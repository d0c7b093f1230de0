package layering

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dependenciesDoc = "docs/dependencies.md"

func TestDependencies(t *testing.T) { holds(t, dependencies) }

// dependencies holds the tables of docs/dependencies.md against the direct requirements of go.mod and against the
// tools in tools/.
func dependencies(t *tree) []string {
	wanted := map[string]string{} // module or tool, to the file that asks for it
	for name, text := range t.texts {
		switch {
		case name == "go.mod":
			for _, m := range directModules(string(text)) {
				wanted[m] = name
			}
		case path.Base(name) == "go.mod" && isBelow(name, "tools"):
			for _, tool := range tools(string(text)) {
				wanted[tool] = name
			}
		}
	}
	reasons := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(string(t.texts[dependenciesDoc]), -1) {
		reasons[row[1]] = strings.TrimSpace(row[2])
	}

	var found []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if reasons[name] == "" {
			found = append(found, dependenciesDoc+": no reason for "+name+" of "+wanted[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		if wanted[name] == "" {
			found = append(found, dependenciesDoc+": "+name+" is required directly by no go.mod: run go mod tidy, or drop the line")
		}
	}
	return found
}

// tableRow matches "| `name` | reason |".
var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\|$")

// directModules returns the modules a go.mod requires without "// indirect".
func directModules(gomod string) []string {
	var modules []string
	for _, line := range directive(gomod, "require") {
		if name, _, ok := strings.Cut(line, " "); ok && !strings.HasSuffix(line, "// indirect") {
			modules = append(modules, name)
		}
	}
	return modules
}

// tools returns the packages of a go.mod's tool directives.
func tools(gomod string) []string { return directive(gomod, "tool") }

// directive returns the arguments of a go.mod directive, in single lines and in blocks.
func directive(gomod, verb string) []string {
	var arguments []string
	block := false
	for line := range strings.Lines(gomod) {
		line = strings.TrimSpace(line)
		single, ok := strings.CutPrefix(line, verb+" ")
		switch {
		case line == verb+" (":
			block = true
		case line == ")":
			block = false
		case block && line != "" && !strings.HasPrefix(line, "//"):
			arguments = append(arguments, line)
		case ok:
			arguments = append(arguments, single)
		}
	}
	return arguments
}

func TestDependenciesCanFail(t *testing.T) {
	gomod := "module m\n\nrequire one.org/a v1.0.0\n\nrequire (\n\ttwo.org/b v1.2.3\n\tthree.org/c v0.1.0 // indirect\n)\n"
	toolsmod := "module m/tools\n\ntool four.org/d/cmd/d\n\nrequire four.org/d v1.0.0 // indirect\n"
	proves(t, dependencies, []proof{
		{"documented", map[string]string{
			"go.mod": gomod, "tools/go.mod": toolsmod,
			dependenciesDoc: "| module | why |\n|---|---|\n| `one.org/a` | does a |\n| `two.org/b` | does b |\n\n| `four.org/d/cmd/d` | makes d |\n",
		}, nil},
		{"undocumented, stale and without a reason", map[string]string{
			"go.mod": gomod, "tools/go.mod": toolsmod,
			dependenciesDoc: "| `one.org/a` |  |\n| `three.org/c` | does c |\n| `four.org/d/cmd/d` | makes d |\n",
		}, []string{
			dependenciesDoc + ": no reason for one.org/a of go.mod",
			dependenciesDoc + ": no reason for two.org/b of go.mod",
			dependenciesDoc + ": three.org/c is required directly by no go.mod: run go mod tidy, or drop the line",
		}},
	})
}
