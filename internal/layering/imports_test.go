package layering

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// layer is a set of packages that know the layers before it, their own parents, and nothing else of this module.
// "collector/*" stands for all packages below collector, "collector/..." for these and collector; the longest
// pattern decides.
type layer struct {
	packages []string
	why      string
}

// The order of the house, from the ground up. A new package gets its entry here.
var layers = []layer{
	{[]string{"resource", "api/auspex/v1", "internal/garbage", "internal/shorthand", "internal/wal", "models/gbdt", "models/gbdt/madeup", "models/trial"},
		"it is useful without the rest of Auspex, and must stay so"},
	{[]string{"workload"},
		"what a workload is does not depend on where it runs or how it is predicted"},
	{[]string{"fleet", "timeseries", "forecast"},
		"vocabulary holds values, no decisions"},
	{[]string{"allocator", "packing", "datasets/synthetic"},
		"it is arithmetic on the vocabulary"},
	{[]string{"placement", "models", "collector", "datasets", "internal/store"},
		"where work runs, what it will use, how usage arrives and where it is kept are separate questions: they meet in internal/app"},
	{[]string{"placement/filter", "placement/score", "placement/rival"},
		"a rule knows the engine that asks it, not its siblings, nor what is held"},
	{[]string{"placement/ledger"},
		"it asks the engine and keeps what was decided; where records go is passed in"},
	{[]string{"placement/*", "guard", "models/*", "internal/store/*", "internal/security/*"},
		"an extension knows what it extends, not its siblings"},
	{[]string{"models/serving/*"},
		"what becomes of promises is judged apart from the table that makes them"},
	{[]string{"internal/rpc", "training", "training/*", "models/serving", "collector/*", "simulation", "simulation/*"},
		"a shell serves the packages below; shells meet in internal/app"},
	{[]string{"internal/config", "internal/app/output", "internal/app/progress", "internal/app/misuse"},
		"configuration describes every part and is read by the wiring alone; how commands print and refuse is the same for all"},
	{[]string{"internal/app/*"},
		"what a family of commands does apart from a running server: compare contestants on traces, examine the machine"},
	{[]string{"internal/client"},
		"what asks a server knows the wire and how to print, nothing of what is behind"},
	{[]string{"internal/app/demo"},
		"the demo plays a scheduler and tells its story through the tables of the client"},
	{[]string{"internal/app"},
		"the wiring is imported by commands only"},
	{[]string{"bench/engine"},
		"it measures the engine, for benchmarks and for the picture of its growth"},
	{[]string{"cmd/*", "bench/*"},
		"nothing imports a command"},
}

// ban forbids an import even where the layers allow it, and in tests too.
type ban struct {
	from, to []string
	why      string
}

var bans = []ban{
	{[]string{"placement/..."}, []string{"models/..."},
		"the engine asks its own Forecaster interface; a Place reads memory, it never runs inference"},
	{[]string{"allocator", "placement/...", "guard"}, []string{"internal/store/..."},
		"decisions do no I/O to history"},
}

// confinement keeps a library in the packages made to wrap it. Tests may use it anywhere.
type confinement struct {
	library string // import path
	to      []string
	why     string
}

var confinements = []confinement{
	{module + "/api/auspex/v1", []string{"internal/rpc", "internal/client", "internal/app", "internal/app/demo", "bench/*"},
		"internal/rpc is the one server-side package that knows the wire"},
	{"google.golang.org/grpc/...", []string{"api/auspex/v1", "internal/rpc", "internal/client", "internal/app", "internal/app/demo", "internal/app/doctor", "internal/security/*", "bench/*"},
		"internal/rpc is the one server-side package that knows the wire"},
	{"github.com/spf13/viper/...", []string{"internal/config"},
		"it splits keys at dots, forgets positions and races when it watches: it loads and merges, nothing else"},
	{"github.com/spf13/cobra/...", []string{"cmd/*", "internal/app"},
		"only commands parse command lines"},
	{"github.com/influxdata/influxdb-client-go/v2/...", []string{"internal/store/influx"},
		"its asynchronous writes lose points; the rest of Auspex sees a store"},
	{"modernc.org/sqlite/...", []string{"internal/store/*"},
		"the rest of Auspex sees a store"},
	{"database/sql/...", []string{"internal/store/*"},
		"the rest of Auspex sees a store"},
	{"github.com/sjwhitworth/golearn/...", []string{"models/..."},
		"it panics and is not kept up: one wrapper guards the rest"},
	{"log", nil, "log/slog is the log"},
	{"testing/...", nil, "test code stays in _test.go files and in the packages of testSupport"},
	{"pgregory.net/rapid/...", nil, "test code stays in _test.go files and in the packages of testSupport"},
}

func TestImports(t *testing.T) { holds(t, imports) }

func imports(t *tree) []string {
	var found []string
	for _, dir := range t.packages() {
		if _, ok := layerOf(dir); !ok && !isSupport(dir) {
			found = append(found, dir+": in no layer: give it a place in internal/layering/imports_test.go")
		}
	}
	for _, s := range t.sources {
		for _, spec := range s.file.Imports {
			importPath, to, own := imported(spec)
			if reason := forbidden(s, importPath, to, own); reason != "" {
				found = append(found, t.at(spec.Pos(), "%s must not import %s: %s", s.dir, strings.TrimPrefix(importPath, module+"/"), reason))
			}
		}
	}
	return found
}

// forbidden returns why a file must not import a package, or "".
func forbidden(s source, importPath, to string, own bool) string {
	if own {
		for _, b := range bans {
			if matchesAny(b.from, s.dir) && matchesAny(b.to, to) {
				return b.why
			}
		}
	}
	if s.test || s.support() {
		return ""
	}
	for _, c := range confinements {
		if matches(c.library, importPath) && !matchesAny(c.to, s.dir) {
			return c.why
		}
	}
	if !own || isBelow(s.dir, to) {
		return ""
	}
	if isSupport(to) {
		return "it is made for tests"
	}
	from, placed := layerOf(s.dir)
	if below, ok := layerOf(to); !placed || ok && below < from {
		return ""
	}
	return layers[from].why
}

// layerOf returns the index of the layer that names a package directory most closely.
func layerOf(dir string) (index int, ok bool) {
	longest := -1
	for i, l := range layers {
		for _, pattern := range l.packages {
			if matches(pattern, dir) && len(pattern) > longest {
				index, longest = i, len(pattern)
			}
		}
	}
	return index, longest >= 0
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}

// matches reports whether a pattern names a path: that path alone, with "/*" all below it, with "/..." both.
func matches(pattern, name string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/*"); ok {
		return name != parent && isBelow(name, parent)
	}
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return isBelow(name, parent)
	}
	return name == pattern
}

// isBelow reports whether a slash-separated path is parent or below it.
func isBelow(name, parent string) bool {
	return name == parent || strings.HasPrefix(name, parent+"/")
}

func TestImportsCanFail(t *testing.T) {
	file := func(dir string, imports ...string) string {
		text := "package " + path.Base(dir) + "\n"
		for _, i := range imports {
			text += fmt.Sprintf("import _ %q\n", i)
		}
		return text
	}
	proves(t, imports, []proof{
		{"downwards", map[string]string{
			"placement/engine.go":     file("placement", module+"/forecast", module+"/resource", "context"),
			"placement/filter/fit.go": file("filter", module+"/placement"),
			"resource/vector.go":      file("resource"),
		}, nil},
		{"upwards", map[string]string{
			"resource/vector.go": file("resource", module+"/forecast"),
		}, []string{"resource/vector.go:2: resource must not import forecast: " + layers[0].why}},
		{"sideways", map[string]string{
			"datasets/reader.go": file("datasets", module+"/collector"),
		}, []string{"datasets/reader.go:2: datasets must not import collector: " + layers[4].why}},
		{"from parent to child", map[string]string{
			"collector/pipeline.go": file("collector", module+"/collector/replay"),
		}, []string{"collector/pipeline.go:2: collector must not import collector/replay: " + layers[4].why}},
		{"between siblings", map[string]string{
			"collector/host/source.go": file("host", module+"/collector/replay"),
		}, []string{"collector/host/source.go:2: collector/host must not import collector/replay: " + layers[9].why}},
		{"placement to models, even in a test", map[string]string{
			"placement/filter/fit_test.go": file("filter", module+"/models/serving"),
		}, []string{"placement/filter/fit_test.go:2: placement/filter must not import models/serving: " + bans[0].why}},
		{"a test above its layer", map[string]string{
			"collector/pipeline_test.go": file("collector_test", module+"/internal/store/influx", module+"/internal/realtest", "testing"),
		}, nil},
		{"test support in production code", map[string]string{
			"training/run.go": file("training", module+"/internal/realtest"),
		}, []string{"training/run.go:2: training must not import internal/realtest: it is made for tests"}},
		{"testing in production code", map[string]string{
			"training/run.go":                 file("training", "testing"),
			"internal/store/storetest/run.go": file("storetest", "testing", module+"/internal/store"),
		}, []string{"training/run.go:2: training must not import testing: " + confinements[9].why}},
		{"a library outside its wrapper", map[string]string{
			"training/run.go":           file("training", "github.com/spf13/viper/remote"),
			"internal/config/config.go": file("config", "github.com/spf13/viper", "log/slog"),
		}, []string{"training/run.go:2: training must not import github.com/spf13/viper/remote: " + confinements[2].why}},
		{"a package without a layer", map[string]string{
			"wishes/wish.go": file("wishes", module+"/resource"),
		}, []string{"wishes: in no layer: give it a place in internal/layering/imports_test.go"}},
	})
}
