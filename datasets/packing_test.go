package datasets

import (
	"archive/tar"
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/internal/sharedtest"
)

// tarOf returns an archive of one file in a folder.
func tarOf(name, text string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "folder/", Typeflag: tar.TypeDir, Mode: 0o755})
	w.WriteHeader(&tar.Header{Name: "folder/" + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))})
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// TestGCDArchive: an archive, packed or not and whatever its name, reads as its
// files do.
func TestGCDArchive(t *testing.T) {
	archive := tarOf("vm_1_2", "50 25\n\n12.5 215.5\n1\n")
	for name, text := range map[string]string{"a.tar": archive, "b": gzipped(archive)} {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, text)
		got := dump(t, "gcd-vms:"+path)
		want := unindent(`
			vm_1_2 2020-01-06T00:00:00Z | cpu=0.5 memory=256MiB | cpu=1 memory=1GiB
			vm_1_2 2020-01-06T00:10:00Z | cpu=0.125 memory=2.15GiB | cpu=1 memory=1GiB
			error: folder/vm_1_2:4: want two numbers, CPU and memory percent
		`)
		if got != want {
			t.Errorf("%s: got:\n%swant:\n%s", name, got, want)
		}
	}
}

func TestAzureV1Errors(t *testing.T) {
	good := map[string]string{"flav_map.txt": "1,1 a\n", "v1.interval_map.txt": "0 0\n", "v1.dev.txt": "300 a,|,\n600 a,|,\n"}
	for _, test := range []struct {
		name, file, text, want string
	}{
		{"no part", "v1.dev.txt", "", "no v1.train, v1.dev or v1.test in it"},
		{"no flavours", "flav_map.txt", "", "flav_map.txt.gz: no such file"},
		{"bad flavour", "flav_map.txt", "x,1 a\n", `flav_map.txt:1: cores "x" is not a number`},
		{"bad span", "v1.interval_map.txt", "zero 0\n", `v1.interval_map.txt:1: "zero" "0" is not seconds and a bin`},
		{"time", "v1.dev.txt", "noon a,|,\n", `v1.dev.txt:1: time "noon" is not a number`},
		{"lifetimes end", "v1.dev.c9.txt", "300 U0,|,\n", "v1.dev.c9.txt:1: no line that goes with"},
		{"lifetimes of other times", "v1.dev.c9.txt", "600 U0,|,\n900 U0,|,\n", "v1.dev.txt:1: lifetimes are of time 600"},
		{"lifetime", "v1.dev.c9.txt", "300 U7,|,\n600 U0,|,\n", `v1.dev.txt:1: lifetime "U7" is not U or C and a bin of v1.interval_map`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range good {
				if name == test.file {
					text = test.text
				}
				if text != "" {
					write(t, filepath.Join(dir, name), text)
				}
			}
			if test.text != "" {
				write(t, filepath.Join(dir, test.file), test.text)
			}
			write(t, filepath.Join(dir, "batch_size_map.txt"), "1 1\n")
			f, err := OpenFleet(Ref{Format: "azure-v1-arrivals", Path: dir}, Options{})
			if err == nil {
				for _, e := range f.Arrivals(context.Background()) {
					if e != nil {
						err = e
						break
					}
				}
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestRealArrivals counts what the published traces hold.
func TestRealArrivals(t *testing.T) {
	for _, test := range []struct {
		format, path              string
		arrivals, departures, bad int
	}{
		{"azure-v1-arrivals", "azure-v1-arrivals", 1870433, 631807, 0},
		{"alibaba-gpu-2025", "alibaba-gpu-2025/disaggregated_DLRM_trace.csv.gz", 23871, 14993, 0},
		{"swf", "swf/NASA-iPSC-1993-3.1-cln.swf.gz", 18239, 18239, 0},
		{"swf", "swf/metacentrum-wagap-2013.swf.gz", 17898, 17898, 2}, // two run times of -1,359,980,917 seconds and the like
	} {
		t.Run(test.path, func(t *testing.T) {
			f := openFleet(t, test.format+":"+sharedtest.Data(t, test.path))
			arrivals, departures, bad := 0, 0, 0
			for a, err := range f.Arrivals(context.Background()) {
				if err != nil {
					bad++
					continue
				}
				arrivals++
				if !a.Depart.IsZero() {
					departures++
				}
				if err := checkArrival(a); err != nil {
					t.Fatal(err)
				}
			}
			if arrivals != test.arrivals || departures != test.departures || bad != test.bad {
				t.Errorf("%d arrivals, %d departures, %d bad rows, want %d, %d, %d", arrivals, departures, bad, test.arrivals, test.departures, test.bad)
			}
		})
	}
}

// TestRealSmall reads the smaller traces of usage to their end.
func TestRealSmall(t *testing.T) {
	for _, test := range []struct {
		format                  string
		samples, workloads, bad int
	}{
		{"alibaba-gentd26", 214853, 207, 49}, // rows without a pod
		{"alibaba2018-machines", 100002, 16, 0},
		{"gcd-vms", 460800, 1600, 0},
	} {
		t.Run(test.format, func(t *testing.T) {
			u := openUsage(t, test.format+":"+sharedtest.Data(t, test.format))
			samples, bad := 0, 0
			workloads := map[string]bool{}
			for s, err := range u.Samples(context.Background()) {
				if err != nil {
					bad++
					continue
				}
				samples++
				workloads[s.Key.Workload] = true
				if err := checkSample(s); err != nil {
					t.Fatal(err)
				}
			}
			if samples != test.samples || len(workloads) != test.workloads || bad != test.bad {
				t.Errorf("%d samples of %d workloads, %d bad rows, want %d, %d, %d", samples, len(workloads), bad, test.samples, test.workloads, test.bad)
			}
			if done, total := u.Progress(); done != total || total == 0 {
				t.Errorf("progress %d of %d after the end", done, total)
			}
		})
	}
}
