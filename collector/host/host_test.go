package host

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

var _ collector.Source = (*Source)(nil)

// burnEnv turns this test binary into a process that does nothing but use CPU.
const burnEnv = "AUSPEX_HOST_TEST_BURN"

func TestMain(m *testing.M) {
	if os.Getenv(burnEnv) != "" {
		for began := time.Now(); time.Since(began) < 2*time.Minute; {
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestNewChoosesWhatThereIs(t *testing.T) {
	s, err := New(Options{Root: systemdTree("usage_usec 1\n", "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.reader.(*cgroupReader); !ok {
		t.Errorf("reads %T where there is a cgroup v2 hierarchy", s.reader)
	}
	s, err = New(Options{Root: procTree(proc{pid: 1})})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.reader.(procReader); !ok {
		t.Errorf("reads %T where there is none", s.reader)
	}
	if _, err := New(Options{Root: tree()}); err == nil {
		t.Error("a machine without anything to read was accepted")
	}
	if _, err := New(Options{Interval: -1}); err == nil {
		t.Error("a negative interval was accepted")
	}
}

// counting is a reader of one group that uses a core and whose every third
// reading fails.
type counting struct {
	began time.Time
	n     int
}

func (c *counting) read() (reading, error) {
	if c.n++; c.n%3 == 0 {
		return nil, errors.New("cannot read")
	}
	return cgroups{"a\xffb.service": {cpuSeconds: time.Since(c.began).Seconds(), memoryBytes: 5}}, nil
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, err := New(Options{Node: "n1", Root: procTree(), Interval: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		s.reader = &counting{began: time.Now()}
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Second)
		defer cancel()
		began := time.Now()
		var got []timeseries.Sample
		slow := true
		err = s.Run(ctx, func(ctx context.Context, samples []timeseries.Sample) error {
			if slow { // a spool that cannot be written for a while: no time is left out
				time.Sleep(25 * time.Second)
				slow = false
			}
			got = append(got, samples...)
			return nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("run: %v", err)
		}
		// Readings at 0 (baseline), 10 (emitted until 35), 35 (fails), 40, 50, 60 (fails), 70, 80, 90 (fails).
		var at []time.Duration
		for _, sample := range got {
			at = append(at, sample.Time.Sub(began))
			want := timeseries.Key{Workload: "n1/a_b.service", App: "a_b", Node: "n1", Source: "host"}
			if sample.Key != want || !near(sample.Usage, resource.Of(1, 5)) {
				t.Errorf("sample %+v uses %v, want one core", sample.Key, sample.Usage)
			}
		}
		want := []time.Duration{10, 40, 50, 70, 80}
		if len(at) != len(want) {
			t.Fatalf("samples at %v, want at %v seconds", at, want)
		}
		for i := range want {
			if at[i] != want[i]*time.Second {
				t.Errorf("sample %d at %v, want %d s", i, at[i], want[i])
			}
		}
		if !strings.Contains(log.String(), "cannot read") {
			t.Error("the failures were not logged")
		}
		full := errors.New("closed")
		if err := s.Run(t.Context(), func(context.Context, []timeseries.Sample) error { return full }); !errors.Is(err, full) {
			t.Errorf("emit failed: %v", err)
		}
	})
}

// The wall clock is set back, twice over the same stretch: no two measurements
// get the same time, and none moves far from what the clock shows.
func TestStampsWhenTheClockStepsBack(t *testing.T) {
	var s stamps
	seen := map[time.Time]bool{}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 5 {
		for i := range 1000 {
			shown := start.Add(time.Duration(i) * 10 * time.Second)
			got := s.of(shown)
			if seen[got] {
				t.Fatalf("%v was given twice", got)
			}
			seen[got] = true
			if off := got.Sub(shown); off < 0 || off > 4*time.Millisecond {
				t.Fatalf("%v became %v", shown, got)
			}
		}
	}
}

func TestStampsForget(t *testing.T) {
	s := stamps{used: map[int64]bool{}, latest: 2 * stampsKept}
	for ms := range int64(maxStamps) {
		s.used[ms] = true
	}
	s.of(time.UnixMilli(2 * stampsKept))
	if len(s.used) != 1 {
		t.Errorf("%d times are kept", len(s.used))
	}
}

// TestThisMachine measures a real process that uses as much CPU as it gets.
func TestThisMachine(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), burnEnv+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()

	for name, r := range map[string]reader{"proc": procReader{os.DirFS("/")}, "chosen": nil} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Options{Interval: 250 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if r != nil {
				s.reader = r
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			busy := 0.0
			s.Run(ctx, func(ctx context.Context, samples []timeseries.Sample) error {
				for _, sample := range samples {
					if err := sample.Validate(time.Now()); err != nil {
						t.Error(err)
					}
					busy = max(busy, sample.Usage.Get(resource.CPU))
					if sample.Usage.Get(resource.Memory) < 0 || !sample.Usage.Has(resource.Memory) {
						t.Errorf("%s: %v", sample.Key.Workload, sample.Usage)
					}
				}
				if busy > .2 { // other tests share the machine
					cancel()
				}
				return nil
			})
			if busy <= .2 {
				t.Errorf("the busiest group of this machine uses %g cores", busy)
			}
			t.Logf("%T: the busiest group uses %.2f cores", s.reader, busy)
		})
	}
}
