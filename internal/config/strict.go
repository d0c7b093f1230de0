package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/auspex-project/auspex/resource"
)

// document is a parsed file: its tree, and where each key stands. It finds what
// viper would let pass or could not place: unknown keys, keys given twice,
// values of the wrong kind or unit.
type document struct {
	name      string
	root      *yaml.Node // without what is broken; nil for an empty file
	places    map[string]*yaml.Node
	variables map[string]string // which environment variable sets a key
	broken    map[string]bool   // keys reported and taken out: defaults stand in for them
	partial   map[string]bool   // sections and values of which something may be lost
	problems  []Problem
}

func newDocument(name string) *document {
	return &document{
		name: name, places: map[string]*yaml.Node{}, variables: map[string]string{},
		broken: map[string]bool{}, partial: map[string]bool{},
	}
}

// err returns all problems, nil if there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, byPlace)
	return &Error{d.problems}
}

// within reports whether path, or a section it is in, is in set.
func (d *document) within(set map[string]bool, path string) bool {
	for at := path; at != ""; at, _ = cutLast(at) {
		if set[at] || set[beforeIndex(at)] {
			return true
		}
	}
	return false
}

// unsure reports whether path may mean something else once the problems found
// are mended, so that what depends on it cannot be judged.
func (d *document) unsure(path string) bool {
	return d.within(d.broken, path) || d.within(d.partial, path)
}

// delimiter separates keys in viper: ASCII's unit separator, since "." and ":" are
// part of many names (racks, custom resources).
const delimiter = "\x1f"

func (d *document) report(n *yaml.Node, path, format string, args ...any) {
	p := Problem{Where: d.name, Key: path, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		p.line, p.column = n.Line, n.Column
		p.Where = fmt.Sprintf("%s:%d:%d", d.name, n.Line, n.Column)
	}
	d.problems = append(d.problems, p)
}

// refuse is report for a value that is taken out; it returns false.
func (d *document) refuse(n *yaml.Node, path, format string, args ...any) bool {
	d.report(n, path, format, args...)
	d.broken[path] = true
	return false
}

// reportAt is report for a key that may be set by the environment, stand in the
// file, or neither: then its nearest section that does is named.
func (d *document) reportAt(path, message string) {
	if name, ok := d.variables[path]; ok {
		d.problems = append(d.problems, Problem{Where: "environment " + name, Key: path, Message: message})
		return
	}
	for at := path; at != ""; at, _ = cutLast(at) {
		if n := d.places[at]; n != nil {
			d.report(n, path, "%s", message)
			return
		}
	}
	d.report(nil, path, "%s", message)
}

// check holds node against t and notes its place. It takes what is broken out of
// node, and returns false if node itself is.
func (d *document) check(node *yaml.Node, t reflect.Type, path string) bool {
	d.places[path] = node
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return d.refuse(node, path, "anchors and aliases are not understood: write the value out")
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return d.refuse(node, path, "has no value: leave the key out for its default")
	case t == vectorType:
		return d.checkVector(node, path)
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return d.checkMapping(node, t, path)
	case t.Kind() == reflect.Slice:
		return d.checkList(node, t, path)
	case node.Kind != yaml.ScalarNode:
		return d.refuse(node, path, "want a single value")
	}
	if _, err := parseScalar(t, node.Value); err != nil {
		return d.refuse(node, path, "%v", err)
	}
	return true
}

func (d *document) checkList(node *yaml.Node, t reflect.Type, path string) bool {
	if node.Kind != yaml.SequenceNode {
		return d.refuse(node, path, "want a list")
	}
	for i, item := range node.Content {
		if d.check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)) {
			continue
		}
		node.Content[i] = zero(t.Elem()) // the others keep their numbers
	}
	return true
}

// zero returns what stands in for an item of type t that was taken out of a list.
func zero(t reflect.Type) *yaml.Node {
	if isStruct(t) {
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: formatScalar(reflect.Zero(t))}
}

func (d *document) checkMapping(node *yaml.Node, t reflect.Type, path string) bool {
	if node.Kind != yaml.MappingNode {
		return d.refuse(node, path, "want a section of keys")
	}
	d.keep(node, path, func(name, value *yaml.Node) bool {
		full := join(path, name.Value)
		if t.Kind() == reflect.Map {
			ok := d.check(value, t.Elem(), full)
			d.places[full] = name
			return ok
		}
		f, ok := fieldByKey(t, name.Value)
		if !ok {
			known := fieldKeys(t)
			d.report(name, full, "unknown key%s", didYouMean(name.Value, known))
			if meant := closest(name.Value, known); meant != "" {
				d.partial[join(path, meant)] = true
			}
			return false
		}
		return d.check(value, f.Type, full)
	})
	return true
}

// keep takes the pairs out of a mapping whose name viper could not hold, or that
// are not ok.
func (d *document) keep(node *yaml.Node, path string, ok func(name, value *yaml.Node) bool) {
	var kept []*yaml.Node
	seen := map[string]string{} // by lower case, in which viper keeps them
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if d.named(name, path, seen) && ok(name, value) {
			kept = append(kept, name, value)
		}
	}
	node.Content = kept
}

// named reports names that viper could not keep apart or could not hold, and
// returns false for them.
func (d *document) named(name *yaml.Node, path string, seen map[string]string) bool {
	full := join(path, name.Value)
	switch before, ok := seen[strings.ToLower(name.Value)]; {
	case name.Kind != yaml.ScalarNode || name.Value == "":
		d.report(name, path, "want a name as key")
		return false
	case name.Value == "<<":
		d.report(name, path, "merge keys are not understood: write the values out")
		d.partial[path] = true
		return false
	case strings.Contains(name.Value, delimiter):
		d.report(name, path, "the name %q may not contain %q", name.Value, delimiter)
		d.partial[path] = true
		return false
	case ok && before == name.Value:
		d.report(name, full, "given twice")
		d.partial[full] = true
		return false
	case ok:
		return d.refuse(name, full, "differs from %s only in upper and lower case", before)
	case path == "classes" && hidesBuiltIn(name.Value):
		return d.refuse(name, full, "differs from the built-in %s only in upper and lower case", strings.ToLower(name.Value))
	}
	seen[strings.ToLower(name.Value)] = name.Value
	return true
}

// hidesBuiltIn reports whether viper would take a class for a built-in one of
// another name.
func hidesBuiltIn(class string) bool {
	_, builtIn := Default().Classes[strings.ToLower(class)]
	return builtIn && class != strings.ToLower(class)
}

func (d *document) checkVector(node *yaml.Node, path string) bool {
	if node.Kind != yaml.MappingNode {
		return d.refuse(node, path, "want amounts by resource, such as {cpu: 10, memory: 64GiB}")
	}
	d.keep(node, path, func(name, value *yaml.Node) bool {
		full := join(path, name.Value)
		if err := resource.Name(name.Value).Validate(); err != nil {
			return d.refuse(name, full, "%v", err)
		}
		if value.Kind != yaml.ScalarNode {
			return d.refuse(value, full, "want an amount")
		}
		if _, err := parseAmount(resource.Name(name.Value), value.Value); err != nil {
			return d.refuse(value, full, "%v", err)
		}
		return true
	})
	return true
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

// beforeIndex returns "queries" of "queries[2]".
func beforeIndex(path string) string {
	head, _, _ := strings.Cut(path, "[")
	return head
}
