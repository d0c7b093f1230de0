package config

import (
	"reflect"
	"strings"
)

// key is one thing that can be set, as the tags of Config describe it.
type key struct {
	path string // "store.path"; "*" stands for a name of the operator's choice
	doc  string
	unit string
	live bool
	typ  reflect.Type
}

// keys lists everything that can be set, in the order of the struct.
func keys() []key {
	var all []key
	walkType(reflect.TypeFor[Config](), "", false, func(k key) { all = append(all, k) })
	return all
}

func walkType(t reflect.Type, prefix string, live bool, visit func(key)) {
	for i := range t.NumField() {
		f := t.Field(i)
		k := key{
			path: join(prefix, f.Tag.Get("key")), doc: f.Tag.Get("doc"), unit: f.Tag.Get("unit"),
			live: live || f.Tag.Get("live") == "yes", typ: f.Type,
		}
		if k.doc != "" {
			visit(k)
		}
		elem, path := f.Type, k.path
		for elem.Kind() == reflect.Map || elem.Kind() == reflect.Slice {
			elem, path = elem.Elem(), path+".*"
		}
		if isStruct(elem) {
			walkType(elem, path, k.live, visit)
		}
	}
}

// isStruct tells sections from values that happen to be structs.
func isStruct(t reflect.Type) bool { return t.Kind() == reflect.Struct && t != vectorType }

// scalar reports whether k can be set by an environment variable: one value, at
// a fixed place.
func (k key) scalar() bool {
	return k.typ.Kind() != reflect.Map && k.typ.Kind() != reflect.Slice && k.typ != vectorType && !strings.Contains(k.path, "*")
}

// environment returns the variable that sets k.
func (k key) environment() string { return envName(k.path) }

const envPrefix = "AUSPEX_"

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// fieldByKey returns the field of struct type t with that key.
func fieldByKey(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("key") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func fieldKeys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("key")
	}
	return names
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
