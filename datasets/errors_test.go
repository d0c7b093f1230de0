package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenErrors(t *testing.T) {
	empty := t.TempDir()
	unnamed := filepath.Join(t.TempDir(), "march.csv")
	write(t, unnamed, "vm,1,2\n")
	for _, test := range []struct {
		ref, want string
	}{
		{"bitbrains", `trace "bitbrains": want FORMAT:PATH, FORMAT one of bitbrains, planetlab, azure, openb, alibaba-gentd26, alibaba2018-machines, alibaba-gpu-2025, azure-v1-arrivals, gcd-vms, swf, csv, synthetic`},
		{"bitbrain:x", `trace "bitbrain:x": unknown format "bitbrain" (want one of`},
		{"csv:", `trace "csv:": no path after "csv:"`},
		{"csv:testdata/none.csv", "testdata/none.csv: no such file"},
		{"csv:" + empty, "the folder holds no files"},
		{"openb:testdata/openb/pods.csv", "open trace openb:testdata/openb/pods.csv: openb holds machines and arrivals, no usage over time (formats with usage: bitbrains"},
		{"planetlab:" + unnamed, "neither the file nor its folder is named for a day (want YYYYMMDD.csv, or YYYYMMDD/VM)"},
		{"azure:testdata/csv", "no vmtable*.csv"},
		{"synthetic:one", `seed "one" is not a whole number`},
		{"synthetic:1,days=0", `parameter "days=0": "0" is not a number above 0`},
		{"synthetic:1,day=3", `parameter "day=3" is none of`},
		{"synthetic:1,step=5", `parameter "step=5": time: missing unit`},
		{"synthetic:1,step=-5m", `parameter "step=-5m": -5m0s is not positive`},
	} {
		t.Run(test.ref, func(t *testing.T) {
			ref, err := ParseRef(test.ref)
			if err == nil {
				_, err = OpenUsage(ref, Options{})
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	t.Run("a folder of openb lists", func(t *testing.T) {
		_, err := OpenFleet(Ref{Format: "openb", Path: "testdata/openb"}, Options{})
		if err == nil || !strings.Contains(err.Error(), "name the node list or the pod list to read") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("fleet of a usage trace", func(t *testing.T) {
		_, err := OpenFleet(Ref{Format: "csv", Path: "testdata/csv"}, Options{})
		if err == nil || !strings.Contains(err.Error(), "csv holds usage, neither machines nor arrivals (formats with those: azure, openb, alibaba-gpu-2025, azure-v1-arrivals, swf, synthetic)") {
			t.Errorf("got %v", err)
		}
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRowErrors gives each reader bad rows between good ones: each is named by
// file and line, and the good ones are all read.
func TestRowErrors(t *testing.T) {
	const bitbrainsHead = "vm,ts,cores,cpu_cap_mhz,cpu_mhz,mem_cap_kb,mem_used_kb\n"
	const gwaHead = "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tMemory capacity provisioned [KB];\tMemory usage [KB]\n"
	const podHead = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
	long := strings.Repeat(",1", 289)
	for _, test := range []struct {
		name, format, file, good string
		bad                      map[string]string // row to the end of its error
	}{
		{"bitbrains", "bitbrains", "a.csv", bitbrainsHead + "1,1375221300,1,1,1,1,1\n", map[string]string{
			"1,1375221300,1,1,1,1":         "6 columns, want 7",
			"1,1375221300,1,1,1,1,1,1":     "8 columns, want 7",
			",1375221300,1,1,1,1,1":        "no VM in the first column",
			"1,yesterday,1,1,1,1,1":        `ts "yesterday" is not a number`,
			"1,-5,1,1,1,1,1":               "ts -5 is negative",
			"1,1e300,1,1,1,1,1":            "ts 1e300 is too large to be true",
			"1,1375221300,x,1,1,1,1":       `cores "x" is not a number`,
			"1,1375221300,1,NaN,1,1,1":     `CPU capacity "NaN" is not a number`,
			"1,1375221300,1,1,-1,1,1":      "CPU usage -1 is negative",
			"1,1375221300,1,1,1,Inf,1":     `memory capacity "Inf" is not a number`,
			"1,1375221300,1,1,1,1,1.2.3":   `memory usage "1.2.3" is not a number`,
			"1,1375221300,1,1,1,1," + long: "296 columns, want 7",
		}},
		{"gwa", "bitbrains", "7.csv", gwaHead + "1372629804;\t1;\t1;\t1;\t1;\t1\n", map[string]string{
			"1372629804;\t1;\t1;\t1;\t1":      "5 columns, the header has 6",
			"1372629804;\t1;\t1;\t1;\t1;\t":   `memory usage "" is not a number`,
			"1372629804;\t-1;\t1;\t1;\t1;\t1": "cores -1 is negative",
		}},
		{"planetlab", "planetlab", "20110303.csv", "vm,1\n", map[string]string{
			"v\x00,1":   "holds a NUL character",
			"v\xff,1":   "not valid UTF-8",
			"vm" + long: "more than 288 values in a day",
			"vm":        `VM "vm" has no values`,
			",1":        "no VM name in the first column",
			"vm,1,x":    `value 2: "x" is not a whole percentage`,
			"vm,1.5":    `value 1: "1.5" is not a whole percentage`,
			"vm,-1":     `value 1: "-1" is not a whole percentage`,
			"vm,1,,3":   `value 2: "" is not a whole percentage`,
			"vm,1,2,3,": `value 4: "" is not a whole percentage`,
		}},
		{"planetlab VM", "planetlab", "20110303/vm", "1\n", map[string]string{
			"one": `value 2: "one" is not a whole percentage`,
		}},
		{"openb", "openb", "pods.csv", podHead + "p,1,1,1,1000,,LS,Running,1,2,1\n", map[string]string{
			"p,1,1,1,1000":                             "5 columns, want 11",
			",1,1,1,1000,,LS,Running,1,2,1":            "no pod name in the first column",
			"p,x,1,1,1000,,LS,Running,1,2,1":           `cpu_milli "x" is not a number`,
			"p,1,-1,1,1000,,LS,Running,1,2,1":          "memory_mib -1 is negative",
			"p,1,1,65,1000,,LS,Running,1,2,1":          `"65" gpus, want a number from 0 to 64`,
			"p,1,1,1,1001,,LS,Running,1,2,1":           `gpu_milli "1001" is not between 0 and 1000`,
			"p,1,1,1,0,,LS,Running,1,2,1":              "num_gpu 1 with gpu_milli 0",
			"p,1,1,2,500,,LS,Running,1,2,1":            "2 devices of 500 milli each: only one device can be shared",
			"p,1,1,1,1000,,LS,Running,3,2,1":           "pod p is deleted before it is created",
			"p,1,1,1,1000,,LS,Running,1,99999999999,1": "deletion_time 99999999999 is over a hundred years after the start of the trace",
			"p,1,1,1,1000,,LS,Running,tomorrow,2,1":    `creation_time "tomorrow" is not a number`,
		}},
		{"openb nodes", "openb", "nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\nn,1,1,1,T4\n", map[string]string{
			"n,1,1,1,": "node n has 1 gpu of no model",
			"n,1,1":    "3 columns, want 5",
		}},
		{"csv", "csv", "a.csv", "time,workload,cpu,memory\n1767600600,w,1,1\n", map[string]string{
			"1767600600,w,1":             "3 columns, the header has 4",
			"1767600600,,1,1":            "no workload",
			"1767600600,w,,":             "no usage: every resource column is empty",
			"05/01/2026,w,1,1":           `time "05/01/2026" is not a number`,
			"2026-01-05 08:00,w,1,1":     `time "2026-01-05 08:00" is not RFC 3339, such as 2026-01-05T08:00:00Z`,
			"2262-01-01T00:00:00Z,w,1,1": "time 2262-01-01T00:00:00Z is not between 1970 and 2261",
			"1969-01-01T00:00:00Z,w,1,1": "time 1969-01-01T00:00:00Z is not between 1970 and 2261",
			"1767600600,w,-1,1":          "cpu is negative (-1 cores)",
			"1767600600,w,4GiB,1":        `parse cpu amount "4GiB": want a number of cores`,
			"1767600600,w,1,4 apples":    `parse memory amount "4 apples": want a number of bytes`,
			"1767600600,w,NaN,1":         "cpu is NaN",
			"1767600600,w,1e300,1":       "cpu 1e300 is too large to be true",
			`1767600600,"w,1,1`:          "column 2: quote without its end on this line",
			`1767600600,"w"x,1,1`:        "column 2: text after the closing quote",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := strings.SplitAfter(test.good, "\n")
			good := lines[len(lines)-2]
			for bad, want := range test.bad {
				path := filepath.Join(t.TempDir(), test.file)
				write(t, path, test.good+bad+"\n"+good)
				wantAt := fmt.Sprintf("%s:%d: ", path, len(lines))
				records, errs := readAll(t, Ref{Format: test.format, Path: path})
				if records != 2 && test.format != "openb" || len(errs) != 1 {
					t.Errorf("%q: %d records and errors %v, want 2 and one", bad, records, errs)
					continue
				}
				var row *RowError
				if !errors.As(errs[0], &row) || !strings.HasPrefix(row.Error(), wantAt) || !strings.Contains(row.Error(), want) {
					t.Errorf("%q: got %q, want %q", bad, errs[0], wantAt+want)
				}
			}
		})
	}
}

// readAll reads whatever the trace holds; a node list ends with its first error.
func readAll(t testing.TB, ref Ref) (records int, errs []error) {
	t.Helper()
	count := func(err error) {
		if err != nil {
			errs = append(errs, err)
		} else {
			records++
		}
	}
	if ref.Format != "openb" {
		u, err := OpenUsage(ref, Options{})
		if err != nil {
			return 0, []error{err}
		}
		for _, err := range u.Samples(context.Background()) {
			count(err)
		}
		return records, errs
	}
	f, err := OpenFleet(ref, Options{})
	if err != nil {
		return 0, []error{err}
	}
	if f.HasNodes() {
		nodes, err := f.Nodes(context.Background())
		if err != nil {
			return 0, []error{err}
		}
		return len(nodes), nil
	}
	for _, err := range f.Arrivals(context.Background()) {
		count(err)
	}
	return records, errs
}

// TestFileErrors holds what is wrong with a file as a whole.
func TestFileErrors(t *testing.T) {
	const table = "v,s,d,0,1,1,1,1,Unknown,2,2\n"
	for _, test := range []struct {
		name, format string
		files        map[string]string
		want         string
	}{
		{"header", "bitbrains", map[string]string{"a.csv": "vm,ts\n1,2\n"}, `a.csv:1: header "vm,ts" is neither`},
		{"gwa header", "bitbrains", map[string]string{"a.csv": "Timestamp [ms];\tCPU cores\n"}, `a.csv:1: header lacks column "CPU capacity provisioned [MHZ]"`},
		{"empty", "bitbrains", map[string]string{"a.csv": ""}, "a.csv:1: the file is empty"},
		{"one of several is empty", "planetlab", map[string]string{"20110303/a": "", "20110303/b": "1"}, "20110303/a:1: the file is empty"},
		{"csv without time", "csv", map[string]string{"a.csv": "workload,cpu\n"}, "a.csv:1: header \"workload,cpu\": want columns time, workload"},
		{"csv without resource", "csv", map[string]string{"a.csv": "time,workload,cpu_limit\n"}, "no resource column"},
		{"csv column twice", "csv", map[string]string{"a.csv": "time,workload,cpu,cpu\n"}, `header: column "cpu" twice`},
		{"csv bad name", "csv", map[string]string{"a.csv": "time,workload,CPU\n"}, `header: column "CPU": resource name "CPU": character`},
		{"csv foreign unit", "csv", map[string]string{"a.csv": "time,workload,memory_mb\n"}, `header: column "memory_mb": name it "memory" and give the amounts in bytes`},
		{"openb header", "openb", map[string]string{"a.csv": "x,y\n"}, `a.csv:1: header "x,y" is neither that of nodes`},
		{"openb pod header", "openb", map[string]string{"a.csv": "name,cpu_milli,memory_mib,num_gpu,gpu_milli,colour\n"}, "a.csv:1: pod header"},
		{"gentd26 name", "alibaba-gentd26", map[string]string{"a.csv": "x"}, "a.csv: the name holds none of gpu_duty_cycle, gpu_memory_used, memory_util"},
		{"gentd26 twice", "alibaba-gentd26", map[string]string{"1_memory_util": "x", "2_memory_util": "x"}, "2_memory_util: a second file of memory"},
		{"gentd26 header", "alibaba-gentd26", map[string]string{"memory_util": "value,time\n"}, `memory_util:1: header "value,time" is not value,timestamp_anon,container_ip in some order`},
		{"gentd26 empty", "alibaba-gentd26", map[string]string{"memory_util": ""}, "memory_util: the file is empty"},
		{"alibaba2018 without meta", "alibaba2018-machines", map[string]string{"machine_usage.csv": "x"}, "want machine_meta*.csv and machine_usage*.csv"},
		{"alibaba2018 meta", "alibaba2018-machines", map[string]string{"machine_usage.csv": "x", "machine_meta.csv": "m_1,0,219,17,many,100,USING\n"}, `machine_meta.csv:1: cpu_num "many" is not a number`},
		{"gcd too long", "gcd-vms", map[string]string{"vm": strings.Repeat("1 2\n", 289)}, "vm:289: more than 288 values in a day"},
		{"gcd archive", "gcd-vms", map[string]string{"a.tar": tarOf("vm", "1 2\n")[:600]}, "a.tar: read archive: unexpected EOF"},
		{"azure table", "azure", map[string]string{"vmtable.csv": "v,s,d,0,1,1,1,1,Lazy,2,2\n", "vm_cpu_readings.csv": "0,v,1,1,1\n"}, `vmtable.csv:1: category "Lazy" is none of`},
		{"azure bucket", "azure", map[string]string{"vmtable.csv": "v,s,d,0,1,1,1,1,Unknown,0,2\n", "vm_cpu_readings.csv": "0,v,1,1,1\n"}, "vmtable.csv:1: vmcorecountbucket is 0"},
		{"azure order", "azure", map[string]string{"vmtable.csv": "v,s,d,5,1,1,1,1,Unknown,2,2\n", "vm_cpu_readings.csv": "0,v,1,1,1\n"}, `VM "v" is deleted (1) before it is created (5)`},
		{"azure columns", "azure", map[string]string{"vmtable.csv": table, "vm_cpu_readings.csv": "0,v,1,1\n"}, "vm_cpu_readings.csv:1: 4 columns, want 5"},
		{"azure percent", "azure", map[string]string{"vmtable.csv": table, "vm_cpu_readings.csv": "0,v,1,1,-1\n"}, "avgcpu -1 is negative"},
		{"azure without readings", "azure", map[string]string{"vmtable.csv": table}, "no vm_cpu_readings"},
		{"cut gzip", "planetlab", map[string]string{"20110303.csv": gzipped(strings.Repeat("vm,1,2,3\n", 1000))[:40]}, ": read gzip: unexpected EOF (the file is cut short or damaged; fetch it again)"},
		{"cut gzip header", "planetlab", map[string]string{"20110303.csv": gzipped("vm,1\n")[:5]}, "20110303.csv: read gzip: unexpected EOF"},
		{"not text", "planetlab", map[string]string{"20110303.csv": strings.Repeat("\x00", maxLine+1)}, "20110303.csv:1: read: line is longer than 4194304 bytes: not a text file?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				write(t, filepath.Join(dir, name), text)
			}
			_, errs := readAll(t, Ref{Format: test.format, Path: dir})
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), test.want) {
				t.Errorf("got %v, want %s", errs, test.want)
			}
		})
	}
}
