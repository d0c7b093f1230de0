package config

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/auspex-project/auspex/resource"
)

// YAML prints c as a file that Load reads, every key in place, secrets
// redacted.
func (c *Config) YAML() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(treeOf(reflect.ValueOf(c).Elem())); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

func treeOf(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	add := func(name string, value *yaml.Node) {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
	}
	switch {
	case v.Type() == vectorType:
		n.Style = yaml.FlowStyle
		for name, x := range v.Interface().(resource.Vector).All() {
			add(string(name), plain(formatAmount(name, x)))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			add(v.Type().Field(i).Tag.Get("key"), treeOf(v.Field(i)))
		}
	case v.Kind() == reflect.Map:
		names := v.MapKeys()
		slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, name := range names {
			add(name.String(), treeOf(v.MapIndex(name)))
		}
	case v.Kind() == reflect.Slice:
		n.Kind = yaml.SequenceNode
		for i := range v.Len() {
			n.Content = append(n.Content, treeOf(v.Index(i)))
		}
	case v.Kind() == reflect.String:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: formatScalar(v)}
	default:
		return plain(formatScalar(v))
	}
	return n
}

func plain(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// NeedRestart returns the keys that differ between c and next and take effect
// only at the next start.
func (c *Config) NeedRestart(next *Config) []string {
	var changed []string
	differ(reflect.ValueOf(c).Elem(), reflect.ValueOf(next).Elem(), "", &changed)
	return changed
}

func differ(a, b reflect.Value, prefix string, changed *[]string) {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		path := join(prefix, f.Tag.Get("key"))
		switch {
		case f.Tag.Get("live") == "yes":
		case isStruct(f.Type):
			differ(a.Field(i), b.Field(i), path, changed)
		case !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			*changed = append(*changed, path)
		}
	}
}
