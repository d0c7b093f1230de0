package client

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// A flag changes what it names and nothing beside it: a constraint of the file that got
// lost would put a workload where it must not run.
func TestFlagsKeepTheRestOfTheFile(t *testing.T) {
	const file = `
id: w
accelerator: {devices: 2, models: [A100], memory_bytes: 8e9}
security: {level: 1, compartments: [health], tenant: t, exclusive: true, countries: [DE]}
locality: {required: {regions: [r], zones: [z]}, preferred: {racks: [k]}}
`
	r := PlaceRequest{File: "-", In: strings.NewReader(file), Level: 3, Zones: []string{"y"}, Models: []string{"H100"}}
	got, err := r.workload()
	if err != nil {
		t.Fatal(err)
	}
	want := &auspexv1.Workload{
		Id:          "w",
		Accelerator: &auspexv1.Accelerator{Devices: 2, Models: []string{"H100"}, MemoryBytes: 8e9},
		Security:    &auspexv1.Security{Level: 3, Compartments: []string{"health"}, Tenant: "t", Exclusive: true, Countries: []string{"DE"}},
		Locality: &auspexv1.Locality{
			Required:  &auspexv1.Places{Regions: []string{"r"}, Zones: []string{"y"}},
			Preferred: &auspexv1.Places{Racks: []string{"k"}},
		},
	}
	if !proto.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
