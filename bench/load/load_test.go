package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/auspex-project/auspex/internal/garbage"
	"github.com/auspex-project/auspex/internal/rpc"
	"github.com/auspex-project/auspex/internal/store/journal"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
)

// The server under load is a process of its own: this test binary, told so by
// its environment. It keeps its journal in serverDir and, where profileTo is set,
// writes a CPU profile there, and a profile of its memory behind the same name and
// ".heap".
const (
	serverDir = "AUSPEX_LOAD_SERVER_DIR"
	profileTo = "AUSPEX_LOAD_PROFILE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(serverDir); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve runs placement, journal and gRPC until its standard input is closed, and
// prints its address. For each line it reads there it says what it has cost so far.
func serve(dir string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { // ends when the test does, however it does
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Fprintln(os.Stderr, costs())
		}
		if path := os.Getenv(profileTo); path != "" {
			writeHeap(path + ".heap") // while it is all there
		}
		stop()
	}()
	if path := os.Getenv(profileTo); path != "" {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		return err
	}
	defer j.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	registry := prometheus.NewRegistry()
	service, err := ledger.Open(ctx, ledger.Options{
		Filters: filter.All(), Scorers: score.All(), Journal: j, Metrics: registry, Log: log,
	})
	if err != nil {
		return err
	}
	server, err := rpc.New(rpc.Options{Placer: service, Fleet: service, NodeSums: service, Shares: service, Metrics: registry, Log: log})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return garbage.Run(ctx) })
	group.Go(func() error { return service.Run(ctx) })
	group.Go(func() error { return server.Run(ctx, l) })
	return group.Wait()
}

// costs says what the process has used of processors and memory since it started. What
// is live is of a collection made for it.
func costs() string {
	runtime.GC()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return err.Error()
	}
	m := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/allocs:objects"},
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"},
	}
	metrics.Read(m)
	return fmt.Sprintf("cpu_us %d collections %d allocated_bytes %d allocated_objects %d live_bytes %d scanned_bytes %d",
		(u.Utime.Nano()+u.Stime.Nano())/1000, m[0].Value.Uint64(), m[1].Value.Uint64(), m[2].Value.Uint64(), m[3].Value.Uint64(), m[4].Value.Uint64())
}

// writeHeap writes what is allocated, and what was, where a profile of it is asked for.
func writeHeap(path string) {
	f, err := os.Create(path)
	if err == nil {
		runtime.GC() // the profile is of the last collection
		err = errors.Join(pprof.WriteHeapProfile(f), f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// startServer starts the server process and returns its address.
func startServer(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), serverDir+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the server says no address: %v", err)
	}
	return strings.TrimSpace(address)
}

func TestLoad(t *testing.T) {
	address := startServer(t)
	for name, args := range map[string][]string{
		"each": nil, "lean": {"--lean"}, "lean together": {"--lean", "--release", "30", "--mix", "different"},
		"batches": {"--batch", "20", "--brief", "--release", "30"}, "streams": {"--batch", "10", "--streams", "3", "--release", "7"},
	} {
		t.Run(name, func(t *testing.T) { load(t, address, args...) })
	}
}

func load(t *testing.T, address string, args ...string) {
	var out, progress bytes.Buffer
	err := run(t.Context(), append([]string{
		"--server", address, "--nodes", "50", "--placed", "100", "--rate", "200", "--duration", "1s", "--warmup", "200ms", "--hold", "100ms", "-o", "json",
	}, args...), &out, &progress)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if r.Place.Answered != 200 || r.Place.NoFit != 0 || len(r.Place.Errors) != 0 {
		t.Errorf("place: %+v, want 200 answers that fit", r.Place)
	}
	if r.Release.Answered != 200 || len(r.Release.Errors) != 0 {
		t.Errorf("release: %+v, want 200 answers", r.Release)
	}
	if l := r.Place.LatencyMS; !(0 < l.P50 && l.P50 <= l.P99 && l.P99 <= l.Max) {
		t.Errorf("latencies %+v", l)
	}
	for _, want := range []string{"register: 50", "place: 100"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("progress %q lacks %q", progress.String(), want)
		}
	}
}

// A stall is charged to every request that was due in it.
func TestLatencyCountsFromWhenItWasDue(t *testing.T) {
	pace := pacer{start: time.Now().Add(-time.Second), rate: 100, idle: func() {}, sleep: sleepUntil}
	seen := newTally()
	for n := range 100 {
		seen.answer(time.Since(pace.wait(n)), false)
	}
	l := seen.outcome().LatencyMS
	if l.Max < 990 || l.P50 < 480 || l.P50 > 600 {
		t.Errorf("latencies %+v, want about 500 ms in the median and 1000 at most", l)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{
		{"--rate", "0"}, {"--rate", "NaN"}, {"--duration", "-1s"}, {"--nodes", "-1"}, {"--connections", "0"},
		{"-o", "xml"}, {"--batch", "-1"}, {"--streams", "2"}, {"--release", "0"}, {"--mix", "odd"}, {"--nonsense"}, {"argument"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); !errors.As(err, new(misuse)) {
			t.Errorf("%q: %v, want it refused", args, err)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	if err := run(t.Context(), []string{"--server", "127.0.0.1:1", "--nodes", "1"}, io.Discard, io.Discard); err == nil || errors.As(err, new(misuse)) {
		t.Errorf("no server: %v, want an error that is no misuse", err)
	}
}

// BenchmarkPlace loads fleets that are half and nine tenths full with Place calls,
// each released a second later, and reports latencies. An iteration is one run of
// five seconds. Nodes have 64 cores, workloads two and a quarter on average. The
// larger fleet takes minutes to fill and is left out by -short.
func BenchmarkPlace(b *testing.B) {
	for _, fleet := range []struct {
		nodes, placed string
		rate          int
	}{{"1000", "14000", 2000}, {"1000", "25000", 2000}, {"10000", "140000", 8000}} {
		if fleet.nodes != "1000" && testing.Short() {
			continue
		}
		for _, mix := range []string{"alike", "fifty", "different"} {
			b.Run(fmt.Sprintf("nodes=%s/placed=%s/rate=%d/mix=%s", fleet.nodes, fleet.placed, fleet.rate, mix), func(b *testing.B) {
				benchmarkPlace(b, fleet.nodes, fleet.placed, fleet.rate, mix)
			})
		}
	}
}

func benchmarkPlace(b *testing.B, nodes, placed string, rate int, mix string) {
	const seconds = 5
	address := startServer(b)
	var r report
	fill := []string{"--nodes", nodes, "--placed", placed}
	for b.Loop() {
		var out bytes.Buffer
		args := append([]string{
			"--server", address, "--mix", mix, "--rate", strconv.Itoa(rate), "--duration", fmt.Sprintf("%ds", seconds), "--warmup", "2s", "--lean", "-o", "json",
		}, fill...)
		if err := run(b.Context(), args, &out, io.Discard); err != nil {
			b.Fatal(err)
		}
		r = report{}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			b.Fatal(err)
		}
		if asked := int64(seconds * rate); r.Place.Answered < asked*99/100 || r.Place.NoFit > asked/100 {
			b.Fatalf("the work was not done: %+v", r.Place)
		}
		fill = []string{"--nodes", nodes} // again, for the heartbeats
	}
	b.ReportMetric(r.RateAnswered, "places/s")
	b.ReportMetric(r.Place.LatencyMS.P50, "p50-ms")
	b.ReportMetric(r.Place.LatencyMS.P99, "p99-ms")
	b.ReportMetric(r.Place.LatencyMS.P999, "p99.9-ms")
}
