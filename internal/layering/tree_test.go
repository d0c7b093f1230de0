package layering

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/auspex-project/auspex/internal/sharedtest"
)

const module = "github.com/auspex-project/auspex"

// source is one parsed Go file.
type source struct {
	path string // relative to the module, with slashes
	dir  string // package directory, the import path less the module
	file *ast.File

	test      bool // a _test.go file
	generated bool
}

// support reports whether the file belongs to a package made for tests, such as internal/store/storetest.
func (s source) support() bool { return isSupport(s.dir) }

func isSupport(dir string) bool { return slices.Contains(testSupport, dir) }

// testSupport lists the packages that only tests import.
var testSupport = []string{
	"internal/layering",
	"internal/realtest",
	"internal/sharedtest",
	"internal/store/storetest",
	"internal/wal/waltest",
	"placement/ledger/ledgertest",
}

// tree is a module's source code: all Go files, and the text of all files.
type tree struct {
	fset    *token.FileSet
	sources []source
	files   []string          // paths of all files
	texts   map[string][]byte // by path; binary files left out
}

// parse reads a module below its root. Nested modules, test data and what make builds are not part of its packages.
func parse(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), texts: map[string][]byte{}}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", ".tools", "bin"}, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || name == ".git" { // a file in a linked worktree
			return nil
		}
		t.files = append(t.files, name)
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text[:min(len(text), 8000)], 0) < 0 {
			t.texts[name] = text
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, text := range t.texts {
		if path.Ext(name) != ".go" || !t.inPackage(name) {
			continue
		}
		file, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		t.sources = append(t.sources, source{
			path: name, dir: path.Dir(name), file: file,
			test:      strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(file),
		})
	}
	slices.SortFunc(t.sources, func(a, b source) int { return strings.Compare(a.path, b.path) })
	return t, nil
}

func (t *tree) inPackage(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, nested := t.texts[dir+"/go.mod"]; nested || path.Base(dir) == "testdata" {
			return false
		}
	}
	return true
}

// packages returns the directories that hold Go files, sorted.
func (t *tree) packages() []string {
	var dirs []string
	for _, s := range t.sources {
		dirs = append(dirs, s.dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// at formats one violation as file:line: message.
func (t *tree) at(pos token.Pos, format string, args ...any) string {
	p := t.fset.Position(pos)
	return fmt.Sprintf("%s:%d: ", p.Filename, p.Line) + fmt.Sprintf(format, args...)
}

// imported returns the path of an import, and the package directory it names where that is in this module.
func imported(spec *ast.ImportSpec) (importPath, dir string, own bool) {
	importPath, _ = strconv.Unquote(spec.Path.Value)
	dir, own = strings.CutPrefix(importPath, module+"/")
	return importPath, dir, own
}

// rule finds the places of a tree that break it.
type rule func(*tree) []string

// holds applies a rule to this repository.
func holds(t *testing.T, check rule) {
	t.Helper()
	tree, err := parse(os.DirFS(sharedtest.Root(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.packages()) < 10 {
		t.Fatalf("found only the packages %v", tree.packages())
	}
	for _, violation := range check(tree) {
		t.Error(violation)
	}
}

// proof is a small tree and what a rule must say of it.
type proof struct {
	name  string
	files map[string]string
	want  []string
}

// proves shows that a rule fails where it should and only there.
func proves(t *testing.T, check rule, proofs []proof) {
	t.Helper()
	for _, p := range proofs {
		t.Run(p.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range p.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			tree, err := parse(fsys)
			if err != nil {
				t.Fatal(err)
			}
			if got := check(tree); !slices.Equal(got, p.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(p.want, "\n"))
			}
		})
	}
}
