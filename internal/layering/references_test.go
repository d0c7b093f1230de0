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

var (
	markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	quotedPath   = regexp.MustCompile("`([\\w.-]+(?:/[\\w.-]+)+/?)`")
)

func TestReferences(t *testing.T) { holds(t, references) }

// references finds, in the documentation, links to files that are not there, and quoted paths such as
// `placement/filter/fit.go` whose first folder is ours and which name nothing.
func references(t *tree) []string {
	var found []string
	for _, doc := range slices.Sorted(maps.Keys(t.texts)) {
		if path.Ext(doc) != ".md" || !t.inPackage(doc) {
			continue
		}
		number := 0
		for line := range strings.Lines(string(t.texts[doc])) {
			number++
			for _, link := range markdownLink.FindAllStringSubmatch(line, -1) {
				if target := link[1]; !strings.Contains(target, ":") && !t.exists(path.Join(path.Dir(doc), target)) {
					found = append(found, fmt.Sprintf("%s:%d: link to %s, which is not there", doc, number, target))
				}
			}
			for _, quote := range quotedPath.FindAllStringSubmatch(line, -1) {
				name := path.Clean(quote[1])
				folder, _, _ := strings.Cut(name, "/")
				if t.exists(folder) && !t.exists(name) {
					found = append(found, fmt.Sprintf("%s:%d: %s is not there", doc, number, quote[1]))
				}
			}
		}
	}
	return found
}

// exists reports whether a path names a file of the tree or a folder with files in it.
func (t *tree) exists(name string) bool {
	return slices.ContainsFunc(t.files, func(file string) bool { return isBelow(file, name) })
}

func TestReferencesCanFail(t *testing.T) {
	proves(t, references, []proof{
		{"alive", map[string]string{
			"README.md":               "[a](docs/a.md#top), [web](https://example.org), `placement/filter/`, `go.yaml.in/yaml/v3`, ![p](docs/p.png)\n",
			"docs/a.md":               "[up](../README.md) and `placement/filter/fit.go`\n",
			"docs/p.png":              "\x00",
			"placement/filter/fit.go": "package filter\n",
		}, nil},
		{"dead", map[string]string{
			"docs/a.md":               "[up](README.md)\n\n`placement/filter/gone.go` and `placement/filter/fit.go`\n",
			"placement/filter/fit.go": "package filter\n",
		}, []string{
			"docs/a.md:1: link to README.md, which is not there",
			"docs/a.md:3: placement/filter/gone.go is not there",
		}},
	})
}
