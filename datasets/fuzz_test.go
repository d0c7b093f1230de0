package datasets

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// fuzz reads a file of arbitrary content: whatever it holds, the reader yields
// records that pass check and errors that name file and line, and ends.
func fuzz[T any](f *testing.F, open func() rows[T], check func(T) error, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := newLines("name", bytes.NewReader(data))
		if err != nil {
			return
		}
		readFile(context.Background(), l, open(), func(record T, err error) bool {
			if row := (*RowError)(nil); errors.As(err, &row) && (row.Line < 1 || row.File != "name") {
				t.Errorf("error %q names line %d of %q", err, row.Line, row.File)
			}
			if err == nil {
				if err := check(record); err != nil {
					t.Errorf("line %d: %v", l.number, err)
				}
			}
			return true
		})
	})
}

// checkSample lets times of 1970 pass, which a trace may hold though a store
// refuses them.
func checkSample(s timeseries.Sample) error {
	if s.Time.Unix() <= 0 {
		s.Time = time.Unix(1, 0)
	}
	return s.Validate(time.Time{})
}

func checkArrival(a Arrival) error {
	if !a.Depart.IsZero() && a.Depart.Before(a.Arrive) {
		return errors.New("departs before it arrives")
	}
	w := a.Workload
	w.Requests, w.Limits = placeable(w.Requests).With("anything", 1), placeable(w.Limits)
	return w.Validate()
}

// placeable holds amounts to what a workload may ask for: a file may say more, or
// nothing, which is for placement to refuse.
func placeable(v resource.Vector) resource.Vector {
	for n, x := range v.All() {
		if x > 1e18 && !math.IsInf(x, 1) {
			v = v.With(n, 1e18)
		}
	}
	return v
}

func FuzzBitbrains(f *testing.F) {
	open := func() rows[timeseries.Sample] {
		return &bitbrainsFile{path: "1.csv", vms: vmKeys{byID: map[string]*timeseries.Key{}}}
	}
	fuzz(f, open, checkSample,
		compactHeader+"\n1,1375308176,2,5852,747.1,8388608,1308620\n1,1375308476,0,0,0,0,12\n",
		"Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tMemory capacity provisioned [KB];\tMemory usage [KB]\n1372629804;\t1;\t2926.0;\t292.6;\t1048576.0;\t102400.0\n")
}

func FuzzPlanetLabDay(f *testing.F) {
	fuzz(f, func() rows[timeseries.Sample] { return &planetLabDay{} }, checkSample, "vm,1,2,3\n", "vm,100\r\n\nx,")
}

func FuzzPlanetLabVM(f *testing.F) {
	open := func() rows[timeseries.Sample] { return &planetLabVM{key: timeseries.Key{Workload: "vm"}} }
	fuzz(f, open, checkSample, "1\n2\n\n3", gzipped("24\n"))
}

func FuzzAzureReadings(f *testing.F) {
	vms := map[string]azureVM{"v": {key: timeseries.Key{Workload: "v"}, limit: resource.Of(2, 4), cores: 2}}
	fuzz(f, func() rows[timeseries.Sample] { return &azureReadings{vms: vms} }, checkSample,
		"0,v,1,2,1.5\n", "timestamp,vmid,mincpu,maxcpu,avgcpu\n300,v,0,0,0\n300,w,0,0,0\n")
}

func FuzzAzureTable(f *testing.F) {
	fuzz(f, func() rows[Arrival] { return azureTable{} }, checkArrival,
		"v,s,d,0,1,1,1,1,Unknown,2,2\nw,s,d,0,300,1,1,1,Interactive,>24,>64\n")
}

func FuzzCSV(f *testing.F) {
	fuzz(f, func() rows[timeseries.Sample] { return &csvRows{keys: map[string]timeseries.Key{}} }, checkSample,
		"time,workload,cpu,memory_limit\n2026-01-05T08:00:00Z,w,500m,4GiB\n",
		"workload,time,app,class,queue,node,x\n\"a\"\"b\",1767600600.5,,,,,1e3\n")
}

func FuzzOpenbNodes(f *testing.F) {
	check := func(n fleet.Node) error {
		if n.Capacity.IsZero() {
			return nil // useless, but what the file says
		}
		return n.Validate()
	}
	fuzz(f, func() rows[fleet.Node] { return openbNodes{} }, check, openbNodeHeader+"\nn,64000,262144,2,P100\n")
}

func FuzzOpenbPods(f *testing.F) {
	fuzz(f, func() rows[Arrival] { return &openbPods{} }, checkArrival,
		openbPodHeader+"\np,12000,16384,8,1000\n",
		openbPodHeader+",gpu_spec\np,12000,16384,0,0,T4\n",
		openbPodTimes+"\np,12000,16384,1,460,T4|P100,LS,Running,0,12537496,0\n")
}

func FuzzGentd26(f *testing.F) {
	f.Add([]byte("value,timestamp_anon,container_ip\n50.0,1662858720.0,a\n7,1662858777,b\n"), []byte("timestamp_anon,value,container_ip\n1662858720,1e9,a\n"))
	f.Fuzz(func(t *testing.T, duty, memory []byte) {
		merge := gentdMerge{pods: map[string]int{}}
		for name, data := range map[string][]byte{"gpu_duty_cycle": duty, "memory_util": memory} {
			l, err := newLines(name, bytes.NewReader(data))
			if err != nil {
				return
			}
			in := &gentdInput{lines: l}
			in.measure, _ = gentdMeasureOf(name)
			head, err := l.next()
			if err != nil || in.head(head) != nil {
				return
			}
			merge.inputs = append(merge.inputs, in)
		}
		var last time.Time
		for merge.step(func(s timeseries.Sample, err error) bool {
			if err != nil {
				return true
			}
			if s.Time.Before(last) {
				t.Errorf("%v after %v", s.Time, last)
			}
			last = s.Time
			if err := checkSample(s); err != nil {
				t.Error(err)
			}
			return true
		}) {
		}
	})
}

func FuzzAlibaba2018(f *testing.F) {
	machines := map[string]machineSize{"m_1": {"m_1", resource.Of(96, 100)}}
	fuzz(f, func() rows[timeseries.Sample] { return &machineUsage{machines: machines} }, checkSample,
		"m_1,60,50,90,,,43.04,33.08,5\nm_1,90,-1,101,1.5,2,43.04,33.08,101\n")
}

func FuzzGCD(f *testing.F) {
	fuzz(f, func() rows[timeseries.Sample] { return &gcdVM{key: timeseries.Key{Workload: "vm"}} }, checkSample, "50 25\n\n12.5 215.5\n")
}

func FuzzGPU2025(f *testing.F) {
	fuzz(f, func() rows[Arrival] { return gpu2025{} }, checkArrival,
		gpu2025Columns+"\ni-2,CN,,1,1,0,0,1,1,2.0,2.0,1.0,1.0,3,,,\n",
		gpu2025Columns+"\ni-0,HN,app-0,12,12,1,1,25,25,120.0,120.0,640.0,800.0,8,,,\ni,CN,a,1,2,0,0,1,1,2.0,2.0,1.0,1.0,-1,300.0,301.0,900.0\n")
}

func FuzzSWF(f *testing.F) {
	fuzz(f, func() rows[Arrival] { return &swfJobs{} }, checkArrival,
		"; UnixStartTime: 749458803\n1 0 10 1451 128 -1 -1 -1 -1 -1 1 1 1 -1 -1 -1 -1 -1\n",
		"0 1356996147 5 60 64 1 1024 64 86400 68719476736 1 62 1 1 -1 1 1 1 {1241,1241} q_1d 1:ppn=64\n")
}

func FuzzAzureV1(f *testing.F) {
	f.Add([]byte("300 g,|,b,b,|,"), []byte("300 U0,|,C1,U1,|,"))
	f.Fuzz(func(t *testing.T, line, lives []byte) {
		r := azureV1Arrivals{
			flavours: map[string]resource.Vector{"g": resource.Of(2, 3.5), "b": resource.Of(1, 1.75)},
			spans:    map[int]span{0: {0, azureV1Step}, 1: {azureV1Step, 3 * azureV1Step}},
		}
		r.bin(line, lives, func(a Arrival) bool {
			if err := checkArrival(a); err != nil {
				t.Error(err)
			}
			return true
		})
	})
}
