package resource_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
)

func TestUnits(t *testing.T) {
	want := map[resource.Name]resource.Unit{
		resource.CPU: resource.Cores, resource.Memory: resource.Bytes, resource.GPU: resource.Devices, resource.GPUMemory: resource.Bytes,
		resource.Disk: resource.Bytes, resource.DiskIO: resource.BytesPerSecond, resource.Network: resource.BytesPerSecond,
	}
	standard := resource.Standard()
	for _, n := range standard {
		if n.Unit() != want[n] {
			t.Errorf("unit of %s is %q, want %q", n, n.Unit(), want[n])
		}
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
		if all := (resource.Vector{}).With(n, 1); !all.Has(n) || all.Len() != 1 {
			t.Errorf("%s has no place of its own: %v", n, all)
		}
	}
	if len(standard) != len(want) {
		t.Errorf("standard names: %v", standard)
	}
	if u := resource.Name("licences").Unit(); u != resource.Count {
		t.Errorf("unit of a custom resource is %q", u)
	}
	standard[0] = "changed"
	if resource.Standard()[0] != resource.CPU {
		t.Error("Standard shares its memory")
	}
}

func TestNameValidate(t *testing.T) {
	for _, good := range []resource.Name{"a", "cpu", "nvidia.com/mig-1g.5gb", "x_1", resource.Name(strings.Repeat("a", 63))} {
		if err := good.Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[resource.Name]string{
		"": "empty", "CPU": "'C' at 0", "1a": "'1' at 0", "a b": "' ' at 1", "a=b": "'=' at 1", "a,b": "at 1", "ü": "at 0", "a:b": "at 1", "_a": "at 0", "a\x00": "at 1",
		resource.Name(strings.Repeat("a", 64)): "longer than 63",
	} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}

// anyName draws standard and custom names, few enough to meet again.
func anyName() *rapid.Generator[resource.Name] {
	return rapid.SampledFrom(append(resource.Standard(), "a", "b", "licences", "x/y.z-1"))
}
