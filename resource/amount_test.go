package resource_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
)

func TestParseAmount(t *testing.T) {
	for _, c := range []struct {
		name resource.Name
		text string
		want float64
	}{
		{resource.CPU, "2", 2}, {resource.CPU, "500m", 0.5}, {resource.CPU, " 1.5 ", 1.5}, {resource.CPU, "1e3", 1000}, {resource.CPU, "2k", 2000},
		{resource.CPU, "0", 0}, {resource.GPU, "250m", 0.25}, {"licences", "3", 3}, {"licences", "1M", 1e6},
		{resource.Memory, "4096", 4096}, {resource.Memory, "512B", 512}, {resource.Memory, "1KiB", 1024}, {resource.Memory, "1Ki", 1024},
		{resource.Memory, "1k", 1000}, {resource.Memory, "1K", 1000}, {resource.Memory, "1kB", 1000}, {resource.Memory, "1.5GiB", 1.5 * (1 << 30)},
		{resource.Memory, "4 GiB", 4 << 30}, {resource.Memory, "2G", 2e9}, {resource.Memory, "2Gi", 2 << 30}, {resource.Memory, "3TiB", 3 << 40},
		{resource.Memory, "1PB", 1e15}, {resource.GPUMemory, "80GB", 80e9}, {resource.Disk, "1T", 1e12},
		{resource.Network, "10MB/s", 10e6}, {resource.Network, "10", 10}, {resource.DiskIO, "1MiB/s", 1 << 20}, {resource.DiskIO, "1 MiB /s", 1 << 20},
	} {
		if got, err := resource.ParseAmount(c.name, c.text); err != nil || got != c.want {
			t.Errorf("ParseAmount(%s, %q) = %v, %v; want %v", c.name, c.text, got, err, c.want)
		}
	}
}

func TestParseAmountRefuses(t *testing.T) {
	for _, c := range []struct {
		name resource.Name
		text string
		want string
	}{
		{resource.CPU, "", "want a number of cores with an optional suffix such as 500m"}, {resource.CPU, "two", "want a number"}, {resource.CPU, "-1", "negative"},
		{resource.CPU, "NaN", "NaN"}, {resource.CPU, "Inf", "infinite"}, {resource.CPU, "1GiB", "want a number"}, {resource.CPU, "1 2", "want a number"},
		{resource.CPU, "m", "want a number"}, {resource.CPU, "1e999", "want a number"}, {resource.CPU, "1e305M", "infinite"}, {resource.CPU, "1/s", "want a number"},
		{resource.Memory, "1m", "such as 512MiB"}, {resource.Memory, "GiB", "want a number of bytes"}, {resource.Memory, "-1GiB", "negative"}, {resource.Memory, "1GiB/s", "want a number"},
		{resource.Memory, "1MiBMiB", "want a number"}, {resource.Network, "10MB/h", "such as 10MB/s"}, {"licences", "1GiB", "want a number of licences"},
	} {
		_, err := resource.ParseAmount(c.name, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), string(c.name)) {
			t.Errorf("ParseAmount(%s, %q): %v, want %q", c.name, c.text, err, c.want)
		}
	}
}

func TestFormatAmount(t *testing.T) {
	for _, c := range []struct {
		name  resource.Name
		value float64
		want  string
	}{
		{resource.CPU, 2, "2"}, {resource.CPU, 0.12345, "0.123"}, {resource.CPU, 0, "0"}, {resource.CPU, -1.5, "-1.5"}, {resource.CPU, 0.0001, "0"},
		{resource.Memory, 0, "0B"}, {resource.Memory, 1023, "1023B"}, {resource.Memory, 1024, "1KiB"}, {resource.Memory, 1.5 * (1 << 30), "1.5GiB"},
		{resource.Memory, -(4 << 30), "-4GiB"}, {resource.Memory, 1 << 60, "1024PiB"}, {resource.Network, 1 << 20, "1MiB/s"}, {"licences", 3, "3"},
	} {
		if got := resource.FormatAmount(c.name, c.value); got != c.want {
			t.Errorf("FormatAmount(%s, %v) = %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// What is printed for people can be read back, to the precision printed.
func TestFormatAmountParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := anyName().Draw(t, "name")
		x := rapid.Float64Range(0, 1e17).Draw(t, "amount")
		text := resource.FormatAmount(n, x)
		got, err := resource.ParseAmount(n, text)
		if err != nil || math.Abs(got-x) > max(0.006, x*0.006) {
			t.Fatalf("%v %s is printed as %q and read as %v, %v", x, n, text, got, err)
		}
	})
}

func TestCheckAmount(t *testing.T) {
	for x, want := range map[float64]string{
		0: "", 1.5: "", math.MaxFloat64: "", -1: "negative (-1 cores)", math.Inf(1): "infinite", math.Inf(-1): "infinite",
	} {
		if err := resource.CheckAmount(resource.CPU, x); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckAmount(%v) = %v, want %q", x, err, want)
		}
	}
	if err := resource.CheckAmount(resource.CPU, math.NaN()); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("CheckAmount(NaN) = %v", err)
	}
}

// FuzzParse holds for any text: what is accepted is valid, and prints as
// something that is accepted again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "cpu=2", "cpu=2,memory=4GiB", "cpu=500m disk_io=10MB/s", "a.b/c-d_9=1e3", "cpu=", "=1", "cpu=1,cpu=2", "cpu=-0", "memory=0x1p4", "cpu=NaN", "cpu=1, ,memory=1Ki"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := resource.Parse(text)
		if err != nil {
			if v.Len() != 0 {
				t.Errorf("Parse(%q) returned %v beside %v", text, v, err)
			}
			return
		}
		if err := v.Validate(); err != nil {
			t.Errorf("Parse(%q) = %v, which is not valid: %v", text, v, err)
		}
		again, err := resource.Parse(v.String())
		if err != nil || again.Len() != v.Len() {
			t.Errorf("Parse(%q) prints as %q, which is read as %v, %v", text, v.String(), again, err)
		}
	})
}
