package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	"github.com/auspex-project/auspex/resource"
)

// Load reads the file at path ("" is none) over the defaults, and environ
// (AUSPEX_SECTION_KEY=value entries; others are ignored) over both. All that is
// wrong is reported at once, as *Error.
func Load(path string, environ []string) (*Config, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
	}
	return parse(path, data, environ)
}

// parse is Load of data, called name in messages.
func parse(name string, data []byte, environ []string) (*Config, error) {
	// 1. Hold the file and the environment against the schema, with places.
	doc := newDocument(name)
	readable := doc.read(data)
	overrides := doc.environment(environ)
	if !readable {
		return nil, doc.err()
	}

	// 2. Merge: defaults, what is all right of the file, environment.
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	setDefaults(v, reflect.ValueOf(Default()).Elem(), "")
	setClassDefaults(v, doc.root)
	if doc.root != nil {
		if err := v.MergeConfigMap(textOf(doc.root).(map[string]any)); err != nil {
			return nil, fmt.Errorf("%s: %w", doc.name, err)
		}
	}
	for key, value := range overrides {
		v.Set(key, value)
	}

	// 3. Decode.
	c := new(Config)
	makeMaps(reflect.ValueOf(c).Elem())
	err := v.UnmarshalExact(c, func(d *mapstructure.DecoderConfig) {
		d.TagName = "key"
		d.DecodeHook = decode
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doc.name, err)
	}
	restoreNames(reflect.ValueOf(c).Elem(), doc.root)
	c.fillPaths()

	// 4. Hold the values against their rules.
	for _, p := range c.validate(doc.unsure) {
		if !doc.within(doc.broken, p.Key) {
			doc.reportAt(p.Key, p.Message)
		}
	}
	if err := doc.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// makeMaps gives v and the sections in it empty maps, so that keys can be left
// out.
func makeMaps(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Map:
			f.Set(reflect.MakeMap(f.Type()))
		case isStruct(f.Type()):
			makeMaps(f)
		}
	}
}

// textOf returns a tree as maps and lists of text, just as it is written. YAML's
// own idea of a value would make 83 of a token 0123 and a time of a folder named
// 2026-01-05; what a value means is for parseScalar to say.
func textOf(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(node.Content)/2)
		for i := 0; i < len(node.Content); i += 2 {
			m[node.Content[i].Value] = textOf(node.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = textOf(item)
		}
		return list
	}
	return node.Value
}

// environment returns what variables set, by viper's keys.
func (d *document) environment(environ []string) map[string]any {
	byName := map[string]key{}
	var names []string
	for _, k := range keys() {
		if k.scalar() {
			byName[k.environment()] = k
			names = append(names, k.environment())
		}
	}
	overrides := map[string]any{}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		k, ok := byName[name]
		switch {
		case value == "":
		case ok:
			if _, err := parseScalar(k.typ, value); err != nil {
				d.problems = append(d.problems, Problem{Where: "environment " + name, Key: k.path, Message: err.Error()})
				d.broken[k.path] = true
				continue
			}
			d.variables[k.path] = name
			overrides[strings.ReplaceAll(k.path, ".", delimiter)] = value
		case ofSection(name):
			d.problems = append(d.problems, Problem{Where: "environment " + name, Message: "sets no key" + didYouMean(name, names)})
		}
	}
	return overrides
}

// ofSection reports whether a variable's name begins like those of a section.
// Others that begin with AUSPEX_ belong to other tools.
func ofSection(name string) bool {
	t := reflect.TypeFor[Config]()
	return slices.ContainsFunc(fieldKeys(t), func(section string) bool {
		return strings.HasPrefix(name, envName(section))
	})
}

// setDefaults tells viper every value under v that is not zero.
func setDefaults(to *viper.Viper, v reflect.Value, prefix string) {
	set := func(name string, value reflect.Value) {
		path := name
		if prefix != "" {
			path = prefix + delimiter + name
		}
		switch {
		case isStruct(value.Type()) || value.Kind() == reflect.Map:
			setDefaults(to, value, path)
		case !value.IsZero():
			to.SetDefault(path, value.Interface())
		}
	}
	if v.Kind() == reflect.Map {
		for _, name := range v.MapKeys() {
			set(name.String(), v.MapIndex(name))
		}
		return
	}
	for i := range v.NumField() {
		set(v.Type().Field(i).Tag.Get("key"), v.Field(i))
	}
}

// setClassDefaults gives classes of the operator's own the values of newClass
// where they are silent.
func setClassDefaults(to *viper.Viper, root *yaml.Node) {
	if root == nil {
		return
	}
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value != "classes" {
			continue
		}
		classes := root.Content[i+1].Content
		for j := 0; j < len(classes); j += 2 {
			if _, builtIn := Default().Classes[classes[j].Value]; !builtIn {
				setDefaults(to, reflect.ValueOf(newClass()), "classes"+delimiter+classes[j].Value)
			}
		}
	}
}

// decode turns what viper holds into the types of Config.
func decode(from, to reflect.Type, data any) (any, error) {
	switch {
	case from == to:
		return data, nil
	case to == vectorType:
		amounts, ok := data.(map[string]any)
		if !ok {
			return data, nil
		}
		texts := make(map[string]string, len(amounts))
		for n, x := range amounts {
			texts[n] = fmt.Sprint(x)
		}
		return resource.FromMap(texts)
	case to.Kind() == reflect.Struct, to.Kind() == reflect.Map, to.Kind() == reflect.Slice:
		return data, nil
	}
	v, err := parseScalar(to, fmt.Sprint(data))
	if err != nil {
		return nil, err
	}
	return v.Interface(), nil
}

// UseDataDir makes dir the data folder. Paths that are empty, or where the old
// data folder has them by default, move under it; others stay.
func (c *Config) UseDataDir(dir string) {
	for path, name := range c.paths() {
		if *path == filepath.Join(c.DataDir, name) {
			*path = ""
		}
	}
	c.DataDir = dir
	c.fillPaths()
}

// fillPaths puts paths that were left empty under DataDir.
func (c *Config) fillPaths() {
	for path, name := range c.paths() {
		if *path == "" {
			*path = filepath.Join(c.DataDir, name)
		}
	}
}

// paths maps each path that has its default under DataDir to its name there.
func (c *Config) paths() map[*string]string {
	return map[*string]string{
		&c.Store.Path:           "history.db",
		&c.Collector.Spool.Dir:  "spool",
		&c.Models.Dir:           "models",
		&c.Placement.JournalDir: "journal",
	}
}
