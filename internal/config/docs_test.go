package config

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md and golden files anew")

const docsPath = "../../docs/configuration.md"

// TestDocumentation holds docs/configuration.md against the code.
func TestDocumentation(t *testing.T) {
	want := documentation()
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/configuration.md differs from the code: run go test ./internal/config -update")
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, path string) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			at := join(path, f.Tag.Get("key"))
			if f.Tag.Get("key") == "" {
				t.Errorf("%s.%s has no key", path, f.Name)
			}
			if isStruct(f.Type) {
				walk(f.Type, at)
			} else if f.Tag.Get("doc") == "" {
				t.Errorf("%s has no doc", at)
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
}

func documentation() string {
	var b strings.Builder
	b.WriteString(`# Configuration

One YAML file, named by ` + "`--config`" + ` (default ` + "`./auspex.yaml`" + ` if it is there). Every key is optional.
` + "`auspex config defaults`" + ` prints a file to start from, ` + "`auspex config validate`" + ` checks one, and
` + "`auspex config show`" + ` prints what is in force.

A key that does not exist, a value without its unit, a weight that is negative: each is refused with
its file, line and column, all at once. Only a file that is not YAML is refused at its first mistake.

- Durations carry a unit (` + "`30s`, `5m`, `24h`, `7d`" + `), sizes too (` + "`64MiB`" + `), also where they are amounts
  of a resource; only 0 needs none. ` + "`*`" + ` stands for a name of your choice.
- An environment variable overrides a key that has one value and no ` + "`*`" + ` in it: ` + "`AUSPEX_`" + ` and the key in
  capitals, with ` + "`_`" + ` for the dots, such as ` + "`AUSPEX_SERVER_GRPC_ADDRESS`" + `.
- Keys marked *live* take effect when the file changes or on SIGHUP. If the new file is wrong, that is
  logged and the old one stays. The rest takes effect at the next start.

This page is written by a test from the code: ` + "`go test ./internal/config -update`" + `.
`)
	defaults := Default()
	section := ""
	for _, k := range keys() {
		if name, _, _ := strings.Cut(k.path, "."); name != section {
			section = name
			fmt.Fprintf(&b, "\n## %s\n\n| key | default | unit or form | live | |\n|---|---|---|---|---|\n", section)
		}
		live := ""
		if k.live {
			live = "live"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.path, defaultText(defaults, k), form(k), live, k.doc)
	}
	b.WriteString("\n## Built-in classes\n\n| class | tier | weight | horizon | risk | overcommit_memory |\n|---|---|---|---|---|---|\n")
	for _, name := range []string{"service", "stream", "ml-inference", "ml-training", "cron", "batch"} {
		c := defaults.Classes[name]
		fmt.Fprintf(&b, "| %s | %s | %g | %s | %g | %v |\n", name, c.Tier, c.Weight, formatDuration(c.Horizon), c.Risk, c.OvercommitMemory)
	}
	n := newClass()
	fmt.Fprintf(&b, "| any other | %s | %g | %s | %g | %v |\n", n.Tier, n.Weight, formatDuration(n.Horizon), n.Risk, n.OvercommitMemory)
	b.WriteString("\n## Built-in weights of scorers\n\n| scorer | weight |\n|---|---|\n")
	for _, name := range sortedNames(defaults.Scoring.Default) {
		fmt.Fprintf(&b, "| %s | %g |\n", name, defaults.Scoring.Default[name])
	}
	return b.String()
}

// defaultText prints the default of a key at a fixed place.
func defaultText(c *Config, k key) string {
	if strings.Contains(k.path, "*") || !k.scalar() {
		return ""
	}
	v := reflect.ValueOf(c).Elem()
	for _, name := range strings.Split(k.path, ".") {
		f, _ := fieldByKey(v.Type(), name)
		v = v.FieldByIndex(f.Index)
	}
	if text := formatScalar(v); text != "" {
		return "`" + text + "`"
	}
	return "empty"
}

func form(k key) string {
	switch {
	case k.unit != "":
		return k.unit
	case k.typ == durationType:
		return "duration"
	case k.typ == bytesType:
		return "size"
	case k.typ == vectorType:
		return "amounts by resource"
	case k.typ.Kind() == reflect.Map:
		return "section"
	case k.typ.Kind() == reflect.Slice:
		return "list"
	case k.typ.Kind() == reflect.Bool:
		return "true or false"
	case k.typ.Kind() == reflect.String:
		return "text"
	}
	return "number"
}
