package layering

import (
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

const metricsDoc = "docs/metrics.md"

var metricName = regexp.MustCompile(`^auspex_[a-z0-9_]+$`)

func TestMetrics(t *testing.T) { holds(t, metrics) }

// metrics holds the metrics in the code against docs/metrics.md. Each stands in the code in full, so that whoever
// sees one on a dashboard finds where it comes from.
func metrics(t *tree) []string {
	var found []string
	exported := map[string]bool{}
	for _, s := range t.sources {
		if s.test || s.support() || !slices.ContainsFunc(s.file.Imports, isMetricsLibrary) {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.BasicLit:
				if name, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && metricName.MatchString(name) {
					exported[name] = true
				}
			case *ast.KeyValueExpr:
				if isIdent(n.Key, "Namespace") || isIdent(n.Key, "Subsystem") {
					found = append(found, t.at(n.Pos(), "a metric name in pieces: write it in full as Name"))
				}
			}
			return true
		})
	}
	documented := map[string]bool{}
	for _, row := range tableRow.FindAllStringSubmatch(string(t.texts[metricsDoc]), -1) {
		if metricName.MatchString(row[1]) {
			documented[row[1]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(exported)) {
		if !documented[name] {
			found = append(found, metricsDoc+": no row for "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if !exported[name] {
			found = append(found, metricsDoc+": "+name+" is exported nowhere")
		}
	}
	return found
}

func isMetricsLibrary(spec *ast.ImportSpec) bool {
	importPath, _, _ := imported(spec)
	return importPath == "github.com/prometheus/client_golang/prometheus"
}

func TestMetricsCanFail(t *testing.T) {
	const head = "package a\nimport \"github.com/prometheus/client_golang/prometheus\"\n"
	proves(t, metrics, []proof{
		{"documented", map[string]string{
			"a/a.go":      head + "var c = prometheus.NewCounter(prometheus.CounterOpts{Name: \"auspex_a_total\"})\n",
			"a/a_test.go": head + "const want = \"auspex_test_total\"\n",
			"a/other.go":  "package a\nconst folder = \"auspex_data\"\n",
			metricsDoc:    "| metric | labels | meaning |\n|---|---|---|\n| `auspex_a_total` | `x` | what a does |\n",
		}, nil},
		{"undocumented, stale, in pieces", map[string]string{
			"a/a.go":   head + "var c = counter(\"auspex_a_total\")\nvar o = prometheus.Opts{Namespace: \"auspex\"}\n",
			metricsDoc: "| `auspex_b_total` | | what b does |\n",
		}, []string{
			"a/a.go:4: a metric name in pieces: write it in full as Name",
			metricsDoc + ": no row for auspex_a_total",
			metricsDoc + ": auspex_b_total is exported nowhere",
		}},
	})
}
