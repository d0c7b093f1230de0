package fleet

import (
	"reflect"
	"strings"
	"testing"
)

func TestRegistryFind(t *testing.T) {
	r := Registry{
		"metal-1":   {Level: 3},
		"metal-*":   {Level: 2, Attested: true},
		"*":         {Level: 1},
		"metal-??":  {Level: 4},
		"cloud-[a]": {Level: 5},
		"cloud-[b]": {Level: 6},
	}
	for name, want := range map[string]int{
		"metal-1": 3, "metal-7": 2, "metal-12": 4, "metal-123": 2, "laptop": 1, "cloud-a": 5, "cloud-b": 6, "a/b": 0,
	} {
		if got := r.Find(name).Level; got != want {
			t.Errorf("%s: level %d, want %d", name, got, want)
		}
	}
	if got := Registry(nil).Find("x"); !reflect.DeepEqual(got, Entry{}) {
		t.Errorf("nobody vouches, but %+v", got)
	}
}

func TestRegistryValidate(t *testing.T) {
	for pattern, want := range map[string]string{"a": "", "a-*": "", "a[": "neither a name nor a pattern", "": "neither a name"} {
		err := Registry{pattern: {}}.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
	if err := (Registry{"a": {Level: -1}}).Validate(); err == nil {
		t.Error("a negative level is vouched for")
	}
}

// What a node says of itself does not survive an entry, all else does.
func TestNodeWith(t *testing.T) {
	n := valid()
	n.Level, n.Compartments, n.Attested, n.Dedicated = 9, []string{"x"}, true, Dedication{Tenant: "t"}
	e := Entry{Level: 1, Dedicated: Dedication{Queue: "q"}}
	got := n.With(e)
	if !reflect.DeepEqual(got.Entry(), e) || got.Name != n.Name || n.Level != 9 {
		t.Errorf("%+v, and the node itself %+v", got, n)
	}
}
