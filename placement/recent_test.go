package placement

import (
	"reflect"
	"testing"
)

// A row of gathered nodes says of a node all that its block does.
func TestGatheredNodesAreWhole(t *testing.T) {
	from := newBlock(0, 2, 1)
	number := 0
	forEachNode(t, from, func(_ string, v reflect.Value, mask bool) {
		number++
		if mask {
			v.SetUint(v.Uint() | 1<<3)
			return
		}
		something(v.Index(3), number)
	})
	to := newBlock(0, 2, 1)
	to.set(7, from, 3)
	want := map[string]any{}
	forEachNode(t, from, func(name string, v reflect.Value, mask bool) {
		if !mask {
			want[name] = v.Index(3).Interface()
		}
	})
	forEachNode(t, to, func(name string, v reflect.Value, mask bool) {
		switch {
		case mask && v.Uint() != 1<<7:
			t.Errorf("%s is not set", name)
		case !mask && !reflect.DeepEqual(v.Index(7).Interface(), want[name]):
			t.Errorf("%s is %v, want %v", name, v.Index(7), want[name])
		}
	})
	if number < 40 {
		t.Errorf("only %d columns found", number)
	}
	to.set(7, newBlock(0, 2, 1), 3)
	forEachNode(t, to, func(name string, v reflect.Value, mask bool) {
		if mask && v.Uint() != 0 {
			t.Errorf("%s is not cleared", name)
		}
	})
}

// forEachNode calls f with every column of b that holds something of each node.
func forEachNode(t *testing.T, b *Block, f func(name string, v reflect.Value, mask bool)) {
	t.Helper()
	var walk func(name string, v reflect.Value)
	walk = func(name string, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Array && v.Len() == BlockSize:
			f(name, v, false)
		case v.Kind() == reflect.Uint64:
			f(name, v, true)
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				walk(name+"[]"+string(rune('0'+i)), v.Index(i))
			}
		case v.Kind() == reflect.Pointer:
			walk(name, v.Elem())
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if field := v.Type().Field(i); field.IsExported() && field.Name != "First" {
					walk(name+"."+field.Name, v.Field(i))
				}
			}
		default:
			t.Fatalf("%s is of type %s", name, v.Type())
		}
	}
	walk("", reflect.ValueOf(b).Elem())
}

// something sets v to what is like no other number's.
func something(v reflect.Value, number int) {
	switch v.Kind() {
	case reflect.Int32:
		v.SetInt(int64(number))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(number))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(number))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), number, number))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Array:
		for i := range v.Len() {
			something(v.Index(i), number+i)
		}
	}
}
