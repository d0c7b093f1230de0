package layering

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wayToRun is what the message of a skipped test must hold: what the reader should do.
var wayToRun = regexp.MustCompile(`\b(run|make|set|install)\b`)

func TestHonestTests(t *testing.T) { holds(t, honestTests) }

// honestTests finds tests that wait by sleeping, where time is real, and tests that skip without saying how to run them.
func honestTests(t *tree) []string {
	var found []string
	for _, s := range t.sources {
		if !s.test && !s.support() {
			continue
		}
		bubbles, draws := virtualTime(s.file), drawnInput(s.file)
		ast.Inspect(s.file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			if isSelector(call.Fun, "time", "Sleep") && !within(bubbles, call.Pos()) {
				found = append(found, t.at(call.Pos(), "a test that sleeps: wait for a condition, or use testing/synctest"))
			}
			if isSkip(call) && !within(draws, call.Pos()) && !wayToRun.MatchString(literals(call.Args)) {
				found = append(found, t.at(call.Pos(), "a skip must say how to make the test run"))
			}
			return true
		})
	}
	return found
}

// virtualTime returns the code that can only run in a bubble of testing/synctest: what synctest.Test is given, and
// functions that call synctest.Wait, which panics elsewhere.
func virtualTime(file *ast.File) []ast.Node {
	var bubbles []ast.Node
	for _, declaration := range file.Decls {
		ast.Inspect(declaration, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			switch {
			case !ok:
			case isSelector(call.Fun, "synctest", "Test") && len(call.Args) == 2:
				bubbles = append(bubbles, call.Args[1])
			case isSelector(call.Fun, "synctest", "Wait"):
				bubbles = append(bubbles, declaration)
			}
			return true
		})
	}
	return bubbles
}

// drawnInput returns the functions that are run once per input drawn by rapid or the fuzzer: a skip there discards an
// input, not a test.
func drawnInput(file *ast.File) []ast.Node {
	var draws []ast.Node
	takesRapid := func(f *ast.FuncType) bool {
		return slices.ContainsFunc(f.Params.List, func(param *ast.Field) bool {
			pointer, ok := param.Type.(*ast.StarExpr)
			return ok && isSelector(pointer.X, "rapid", "T")
		})
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if takesRapid(n.Type) {
				draws = append(draws, n)
			}
		case *ast.FuncLit:
			if takesRapid(n.Type) {
				draws = append(draws, n)
			}
		case *ast.CallExpr:
			if isSelector(n.Fun, "f", "Fuzz") {
				draws = append(draws, n)
			}
		}
		return true
	})
	return draws
}

func within(nodes []ast.Node, pos token.Pos) bool {
	for _, n := range nodes {
		if n.Pos() <= pos && pos < n.End() {
			return true
		}
	}
	return false
}

func isSkip(call *ast.CallExpr) bool {
	for _, receiver := range []string{"t", "tb", "b", "f"} {
		for _, method := range []string{"Skip", "Skipf", "SkipNow"} {
			if isSelector(call.Fun, receiver, method) {
				return true
			}
		}
	}
	return false
}

// literals joins the string literals in some expressions.
func literals(exprs []ast.Expr) string {
	var b strings.Builder
	for _, e := range exprs {
		ast.Inspect(e, func(node ast.Node) bool {
			if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				b.WriteString(literal.Value + " ")
			}
			return true
		})
	}
	return b.String()
}

func TestHonestTestsCanFail(t *testing.T) {
	proves(t, honestTests, []proof{
		{"honest", map[string]string{
			"a/a.go": "package a\nfunc f() { time.Sleep(1) }\n",
			"a/a_test.go": "package a\nfunc TestA(t *testing.T) {\n" +
				"\tsynctest.Test(t, func(t *testing.T) { time.Sleep(1) })\n" +
				"\tt.Skipf(\"no %s: run `make servers`\", name)\n}\n" +
				"func draw(t *rapid.T) { t.Skip(\"no weight\") }\n" +
				"func FuzzA(f *testing.F) { f.Fuzz(func(t *testing.T, n int) { t.Skip(\"too small\") }) }\n" +
				"func advance() {\n\ttime.Sleep(1)\n\tsynctest.Wait()\n}\n",
		}, nil},
		{"sleeping", map[string]string{
			"a/a_test.go":                 "package a\nfunc TestA(t *testing.T) {\n\tsynctest.Test(t, f)\n\ttime.Sleep(1)\n}\n",
			"internal/realtest/server.go": "package realtest\nfunc f() { time.Sleep(1) }\n",
		}, []string{
			"a/a_test.go:4: a test that sleeps: wait for a condition, or use testing/synctest",
			"internal/realtest/server.go:2: a test that sleeps: wait for a condition, or use testing/synctest",
		}},
		{"skipping", map[string]string{
			"a/a_test.go": "package a\nfunc TestA(t *testing.T) {\n\tt.SkipNow()\n\tt.Skip(\"no data\")\n}\n",
		}, []string{
			"a/a_test.go:3: a skip must say how to make the test run",
			"a/a_test.go:4: a skip must say how to make the test run",
		}},
	})
}
