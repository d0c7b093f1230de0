package layering

import (
	"strings"
	"testing"
)

func TestPackageDocs(t *testing.T) { holds(t, packageDocs) }

// packageDocs wants one doc comment per package, "Package x ..." as godoc shows it.
func packageDocs(t *tree) []string {
	var found []string
	docs := map[string][]string{} // package directory to the files with a doc comment
	for _, s := range t.sources {
		doc := s.file.Doc.Text()
		if s.test || doc == "" {
			continue
		}
		docs[s.dir] = append(docs[s.dir], s.path)
		name := s.file.Name.Name
		if !strings.HasPrefix(doc, "Package "+name+" ") && name != "main" {
			found = append(found, t.at(s.file.Doc.Pos(), "the doc comment must begin with %q", "Package "+name+" "))
		}
	}
	for _, dir := range t.packages() {
		switch files := docs[dir]; len(files) {
		case 0:
			found = append(found, dir+": no package doc comment: say what the package is for")
		case 1:
		default:
			found = append(found, dir+": several package doc comments: "+strings.Join(files, ", "))
		}
	}
	return found
}

func TestPackageDocsCanFail(t *testing.T) {
	proves(t, packageDocs, []proof{
		{"documented", map[string]string{
			"fleet/node.go":      "// Package fleet is the vocabulary of machines.\npackage fleet\n",
			"fleet/power.go":     "package fleet\n",
			"fleet/node_test.go": "package fleet_test\n",
			"cmd/auspex/main.go": "// Auspex predicts and places.\npackage main\n",
		}, nil},
		{"undocumented", map[string]string{
			"fleet/node.go":      "// Copyright.\n\npackage fleet\n",
			"fleet/node_test.go": "// Package fleet is tested here.\npackage fleet\n",
		}, []string{"fleet: no package doc comment: say what the package is for"}},
		{"not a sentence about the package", map[string]string{
			"fleet/node.go": "// Nodes and more.\npackage fleet\n",
		}, []string{`fleet/node.go:1: the doc comment must begin with "Package fleet "`}},
		{"twice", map[string]string{
			"fleet/a.go": "// Package fleet is this.\npackage fleet\n",
			"fleet/b.go": "// Package fleet is that.\npackage fleet\n",
		}, []string{"fleet: several package doc comments: fleet/a.go, fleet/b.go"}},
	})
}
