package placement

import (
	"reflect"
	"testing"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Whatever Equal compares tells shapes apart, so that two that differ there do not
// drive each other out; the id alone does not count.
func TestHashMixesEveryField(t *testing.T) {
	c := newShapes(&Engine{})
	of := func(w *workload.Workload) uint64 {
		return c.hash(&Query{Workload: w, Policy: workload.ClassPolicy{Class: workload.Batch}})
	}
	full := func() *workload.Workload {
		w := new(workload.Workload)
		fill(reflect.ValueOf(w).Elem())
		w.Requests, w.Limits = resource.Of(1, 2), resource.Of(3, 4)
		return w
	}
	plain, fields := of(full()), 0
	eachChange(full, func(path string, w *workload.Workload) {
		fields++
		switch got := of(w); {
		case path == ".ID" && got != plain:
			t.Error("the id makes a shape")
		case path != ".ID" && got == plain:
			t.Errorf("%s is not mixed in", path)
		}
	})
	if fields < 45 {
		t.Errorf("only %d fields found", fields)
	}
}

// fill gives every field below v a value, lists and maps one entry.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": "value"}))
	case reflect.String:
		v.SetString("text")
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(.5)
	}
}

// eachChange calls visit with what full returns, one field of it changed at a time.
func eachChange(full func() *workload.Workload, visit func(path string, w *workload.Workload)) {
	var walk func(path string, at func(root reflect.Value) reflect.Value)
	walk = func(path string, at func(reflect.Value) reflect.Value) {
		w := full()
		v := at(reflect.ValueOf(w).Elem())
		set := func(x any) {
			v.Set(reflect.ValueOf(x).Convert(v.Type()))
			visit(path, w)
		}
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[resource.Vector]() {
				set(resource.Of(1, 7))
				return
			}
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, func(root reflect.Value) reflect.Value { return at(root).Field(i) })
			}
		case reflect.Slice:
			set(reflect.Zero(v.Type()).Interface())
			walk(path+"[]", func(root reflect.Value) reflect.Value { return at(root).Index(0) })
		case reflect.Map:
			set(map[string]string{"key": "other"})
		case reflect.String:
			set("other")
		case reflect.Bool:
			set(true)
		case reflect.Float64:
			set(.25)
		default:
			set(7)
		}
	}
	walk("", func(root reflect.Value) reflect.Value { return root })
}

// Of shapes that take turns each is remembered, where no more meet in the table of those
// that came once than a place of it holds.
func TestShapesThatTakeTurnsAreRemembered(t *testing.T) {
	c := newShapes(&Engine{})
	var queries []*Query
	var places [len(c.mu.once)]int
	sharing := 0
	for i := range int32(300) {
		w := &workload.Workload{ID: "w", App: "a", Priority: i}
		q := &Query{State: &State{}, Workload: w, Policy: workload.ClassPolicy{Class: workload.Batch}}
		place := &places[c.hash(q)%uint64(len(places))]
		if *place == len(c.mu.once[0]) {
			continue
		}
		if *place++; *place > 1 {
			sharing++
		}
		queries = append(queries, q)
	}
	if sharing == 0 {
		t.Fatal("no two shapes meet: the test sees nothing")
	}
	for _, q := range queries {
		if c.find(q) != nil {
			t.Fatal("known before it came")
		}
	}
	for i, q := range queries {
		if c.find(q) == nil {
			t.Errorf("shape %d of %d was forgotten", i, len(queries))
		}
	}
}
