package workload

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/auspex-project/auspex/resource"
)

// Every field counts: each is changed in turn, found by reflection, so that one
// added later cannot be forgotten.
func TestEqual(t *testing.T) {
	var fields []string
	walk(reflect.ValueOf(new(Workload)).Elem(), "", func(path string, _ reflect.Value) { fields = append(fields, path) })
	if len(fields) < 25 {
		t.Fatalf("only %d fields found: %v", len(fields), fields)
	}
	for _, field := range fields {
		a, b := new(Workload), new(Workload)
		walk(reflect.ValueOf(b).Elem(), "", func(path string, v reflect.Value) {
			if path == field {
				v.Set(something(v.Type()))
			}
		})
		if !a.Equal(a) || !b.Equal(b) {
			t.Errorf("with %s: not equal to itself", field)
		}
		if a.Equal(b) || b.Equal(a) {
			t.Errorf("equal in spite of %s", field)
		}
	}
}

func TestEqualTakesEmptyForAbsent(t *testing.T) {
	a := &Workload{ID: "a"}
	b := &Workload{ID: "a", Labels: map[string]string{}, Data: []DataSet{}, Tolerations: []Toleration{}, Selector: map[string]string{}}
	b.Security.Compartments = []string{}
	if !a.Equal(b) {
		t.Error("absent and empty differ")
	}
}

// walk visits the fields of structs of this package, innermost only.
func walk(v reflect.Value, path string, visit func(string, reflect.Value)) {
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[resource.Vector]() {
		visit(path, v)
		return
	}
	for i := range v.NumField() {
		walk(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
	}
}

// something returns a value of type t that is not its zero.
func something(t reflect.Type) reflect.Value {
	if t == reflect.TypeFor[resource.Vector]() {
		return reflect.ValueOf(resource.Of(1, 2))
	}
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	default:
		panic(fmt.Sprintf("no value of %v", t))
	}
	return v
}
