package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/auspex-project/auspex/resource"
)

// document is a parsed file: its tree, and where each key stands. It finds what
// viper would let pass or could not place: unknown keys, keys given twice,
// values of the wrong kind or unit.
type document struct {
	name     string
	root     *yaml.Node // nil for an empty file
	places   map[string]*yaml.Node
	problems []Problem
}

// delimiter separates keys in viper; "." is part of many names (racks, custom
// resources).
const delimiter = "::"

func (d *document) report(n *yaml.Node, path, format string, args ...any) {
	where := d.name
	if n != nil {
		where = fmt.Sprintf("%s:%d:%d", d.name, n.Line, n.Column)
	}
	d.problems = append(d.problems, Problem{where, path, fmt.Sprintf(format, args...)})
}

// reportAt is report for a key that may stand in the file or not: then its
// nearest section that does is named.
func (d *document) reportAt(path, message string) {
	for at := path; at != ""; at, _ = cutLast(at) {
		if n := d.places[at]; n != nil {
			d.report(n, path, "%s", message)
			return
		}
	}
	d.report(nil, path, "%s", message)
}

// check holds node against t. Where node is all right, its place is noted.
func (d *document) check(node *yaml.Node, t reflect.Type, path string) {
	d.places[path] = node
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		d.report(node, path, "anchors and aliases are not understood: write the value out")
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		d.report(node, path, "has no value: leave the key out for its default")
	case t == vectorType:
		d.checkVector(node, path)
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		d.checkMapping(node, t, path)
	case t.Kind() == reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			d.report(node, path, "want a list")
			return
		}
		for i, item := range node.Content {
			d.check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case node.Kind != yaml.ScalarNode:
		d.report(node, path, "want a single value")
	default:
		if _, err := parseScalar(t, node.Value); err != nil {
			d.report(node, path, "%v", err)
		}
	}
}

func (d *document) checkMapping(node *yaml.Node, t reflect.Type, path string) {
	if node.Kind != yaml.MappingNode {
		d.report(node, path, "want a section of keys")
		return
	}
	seen := map[string]string{} // by lower case, in which viper keeps them
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if d.repeated(name, path, seen) {
			continue
		}
		if t.Kind() == reflect.Map {
			d.check(value, t.Elem(), join(path, name.Value))
			d.places[join(path, name.Value)] = name
			continue
		}
		f, ok := fieldByKey(t, name.Value)
		if !ok {
			d.report(name, join(path, name.Value), "unknown key%s", didYouMean(name.Value, fieldKeys(t)))
			continue
		}
		d.check(value, f.Type, join(path, name.Value))
	}
}

// repeated reports names that viper could not keep apart or could not hold.
func (d *document) repeated(name *yaml.Node, path string, seen map[string]string) bool {
	full := join(path, name.Value)
	switch before, ok := seen[strings.ToLower(name.Value)]; {
	case name.Kind != yaml.ScalarNode || name.Value == "":
		d.report(name, path, "want a name as key")
	case name.Value == "<<":
		d.report(name, path, "merge keys are not understood: write the values out")
	case strings.Contains(name.Value, delimiter):
		d.report(name, full, "names may not contain %q", delimiter)
	case ok && before == name.Value:
		d.report(name, full, "given twice")
	case ok:
		d.report(name, full, "differs from %s only in upper and lower case", before)
	case path == "classes" && hidesBuiltIn(name.Value):
		d.report(name, full, "differs from the built-in %s only in upper and lower case", strings.ToLower(name.Value))
	default:
		seen[strings.ToLower(name.Value)] = name.Value
		return false
	}
	return true
}

// hidesBuiltIn reports whether viper would take a class for a built-in one of
// another name.
func hidesBuiltIn(class string) bool {
	_, builtIn := Default().Classes[strings.ToLower(class)]
	return builtIn && class != strings.ToLower(class)
}

func (d *document) checkVector(node *yaml.Node, path string) {
	if node.Kind != yaml.MappingNode {
		d.report(node, path, "want amounts by resource, such as {cpu: 10, memory: 64GiB}")
		return
	}
	seen := map[string]string{}
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if d.repeated(name, path, seen) {
			continue
		}
		if err := resource.Name(name.Value).Validate(); err != nil {
			d.report(name, join(path, name.Value), "%v", err)
			continue
		}
		if value.Kind != yaml.ScalarNode {
			d.report(value, join(path, name.Value), "want an amount")
			continue
		}
		if _, err := resource.ParseAmount(resource.Name(name.Value), value.Value); err != nil {
			d.report(value, join(path, name.Value), "%v", err)
		}
	}
}

// restoreNames gives the maps under v the names the file has: viper has made
// them lower case.
func restoreNames(v reflect.Value, node *yaml.Node) {
	if node == nil || node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i].Value, node.Content[i+1]
		switch {
		case v.Kind() == reflect.Map:
			lower := reflect.ValueOf(strings.ToLower(name))
			entry := v.MapIndex(lower)
			if !entry.IsValid() {
				continue
			}
			restored := reflect.New(entry.Type()).Elem()
			restored.Set(entry)
			restoreNames(restored, value)
			v.SetMapIndex(lower, reflect.Value{})
			v.SetMapIndex(reflect.ValueOf(name), restored)
		case isStruct(v.Type()):
			if f, ok := fieldByKey(v.Type(), name); ok {
				restoreNames(v.FieldByIndex(f.Index), value)
			}
		}
	}
}

// cutLast splits "a.b.c" into "a.b" and "c".
func cutLast(path string) (head, last string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
