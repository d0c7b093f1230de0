package layering

import (
	"go/ast"
	"go/token"
	"regexp"
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
		var bubbles []ast.Node // function literals run by synctest.Test, in which time is virtual
		ast.Inspect(s.file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			if isSelector(call.Fun, "synctest", "Test") && len(call.Args) == 2 {
				bubbles = append(bubbles, call.Args[1])
			}
			if isSelector(call.Fun, "time", "Sleep") && !within(bubbles, call.Pos()) {
				found = append(found, t.at(call.Pos(), "a test that sleeps: wait for a condition, or use testing/synctest"))
			}
			if isSkip(call) && !wayToRun.MatchString(literals(call.Args)) {
				found = append(found, t.at(call.Pos(), "a skip must say how to make the test run"))
			}
			return true
		})
	}
	return found
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
				"\tt.Skipf(\"no %s: run `make servers`\", name)\n}\n",
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
