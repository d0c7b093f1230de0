package collector_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/internal/realtest"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/influx"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// killDir, when set, turns this test binary into a collector with its spool there
// and its store at killURL, fed by a few producers until it is killed. It prints
// how many samples of each producer have been acknowledged.
const (
	killDir    = "AUSPEX_COLLECTOR_TEST_DIR"
	killURL    = "AUSPEX_COLLECTOR_TEST_URL"
	killBucket = "AUSPEX_COLLECTOR_TEST_BUCKET"
	killRound  = "AUSPEX_COLLECTOR_TEST_ROUND"
)

const (
	kills     = 100
	producers = 4
	maxBatch  = 20
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		err := produce(dir)
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// lazyStore opens the real one when it is first written to: the server may be
// down when the collector starts.
type lazyStore struct {
	options influx.Options
	store   *influx.Store
}

func (l *lazyStore) Write(ctx context.Context, samples []timeseries.Sample) error {
	if l.store == nil {
		s, err := influx.Open(ctx, l.options)
		if err != nil {
			return err
		}
		l.store = s
	}
	return l.store.Write(ctx, samples)
}

func openForKilling(dir string, s collector.Store) (*collector.Collector, error) {
	return collector.Open(s, collector.Options{
		Dir: dir, BatchSamples: 1000, MinBackoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
		IsRefusal: func(err error) bool { return errors.Is(err, store.ErrRefused) },
	})
}

// produce feeds a collector until the process is killed, or returns why it cannot.
func produce(dir string) error {
	c, err := openForKilling(dir, &lazyStore{options: influx.Options{URL: os.Getenv(killURL), Bucket: os.Getenv(killBucket)}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	failed := make(chan error)
	go func() { failed <- c.Run(ctx) }()
	for producer := range producers {
		go func() {
			pace := time.NewTicker(5 * time.Millisecond)
			for n := 0; ; {
				batch := make([]timeseries.Sample, 1+rand.IntN(maxBatch))
				for i := range batch {
					batch[i] = numbered(os.Getenv(killRound), producer, n+i)
				}
				if _, err := c.Accept(ctx, batch, nil); err != nil {
					failed <- err
					return
				}
				n += len(batch)
				fmt.Printf("%d %d.\n", producer, n)
				<-pace.C
			}
		}()
	}
	return <-failed
}

// epoch is the time of the first sample of each producer.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// numbered is the n-th sample of a producer in a round: its value tells n.
func numbered(round string, producer, n int) timeseries.Sample {
	return timeseries.Sample{
		Key:   timeseries.Key{Workload: fmt.Sprintf("round-%s/producer-%d", round, producer), Class: "batch", Source: "kill"},
		Time:  epoch.Add(time.Duration(n) * time.Second),
		Usage: resource.Of(float64(n), float64(n)*1024),
	}
}

// The collector is killed a hundred times at random moments, opening, accepting,
// shipping or waiting, while its InfluxDB goes away and comes back. In the end
// InfluxDB holds every acknowledged sample once, and nothing that was not handed in.
func TestKilledWhileInfluxComesAndGoes(t *testing.T) {
	if testing.Short() {
		t.Skip("kills 100 processes, takes a minute: run without -short")
	}
	server := realtest.Influx(t)
	dir := t.TempDir()

	var outages atomic.Int64
	var disturbing sync.WaitGroup
	stop := make(chan struct{})
	disturbing.Go(func() {
		for {
			select {
			case <-time.After(time.Duration(200+rand.IntN(1000)) * time.Millisecond):
			case <-stop:
				return
			}
			if outages.Add(1)%2 == 0 {
				server.Stop()
			} else {
				server.Kill()
			}
			select {
			case <-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond):
			case <-stop:
			}
			server.Start()
		}
	})
	acknowledged := map[string]int{} // by workload
	round := 0
	for ; round < kills || outages.Load() < 3 && round < 2*kills; round++ {
		for producer, n := range killedChild(t, dir, server, fmt.Sprint(round)) {
			acknowledged[numbered(fmt.Sprint(round), producer, 0).Key.Workload] = n
		}
	}
	close(stop)
	disturbing.Wait()

	history, err := influx.Open(t.Context(), influx.Options{URL: server.URL, Bucket: server.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	left := drain(t, dir, history)
	total, stored := verify(t, history, acknowledged)
	t.Logf("%d acknowledged by collectors killed %d times; %d outages of InfluxDB; %d waited in the spool at the end; %d stored",
		total, round, outages.Load(), left, stored)
	if total < 5000 || outages.Load() < 2 {
		t.Errorf("%d samples and %d outages prove little", total, outages.Load())
	}
}

// killedChild runs a collector for a random time, and returns what it had
// acknowledged to each producer.
func killedChild(t *testing.T, dir string, server *realtest.InfluxServer, round string) map[int]int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killDir+"="+dir, killURL+"="+server.URL, killBucket+"="+server.Bucket, killRound+"="+round)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Duration(rand.IntN(500))*time.Millisecond, func() { child.Process.Kill() })
	defer kill.Stop()
	acknowledged := map[int]int{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var producer, n int
		line, whole := strings.CutSuffix(lines.Text(), ".")
		if _, err := fmt.Sscanf(line, "%d %d", &producer, &n); err == nil && whole { // not cut by the kill
			acknowledged[producer] = n
		} else if strings.HasPrefix(line, "error") {
			t.Errorf("round %s: %s", round, line)
		}
	}
	child.Wait()
	return acknowledged
}

// drain ships what the killed collectors have left.
func drain(t *testing.T, dir string, s collector.Store) (left int64) {
	t.Helper()
	c, err := openForKilling(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	left = c.Depth()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	err = c.Drain(ctx)
	cancel()
	running.Wait()
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	return left
}

// verify holds the store against what was acknowledged: of each producer the
// samples 0, 1, 2, ... without a hole or a repetition, at least as many as were
// acknowledged and at most one batch more.
func verify(t *testing.T, history store.History, acknowledged map[string]int) (total, stored int) {
	t.Helper()
	next := map[string]int{}
	for s, err := range history.Scan(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		w := s.Key.Workload
		n := next[w]
		want := timeseries.Sample{Key: s.Key, Time: epoch.Add(time.Duration(n) * time.Second), Usage: resource.Of(float64(n), float64(n)*1024)}
		if s.Key.Source != "kill" || s.Key.Class != "batch" || !s.Time.Equal(want.Time) || !s.Usage.Equal(want.Usage) {
			t.Fatalf("%s: sample %d is of %v and uses %v, want %v and %v", w, n, s.Time, s.Usage, want.Time, want.Usage)
		}
		next[w]++
		stored++
	}
	for w, n := range acknowledged {
		total += n
		if next[w] < n {
			t.Errorf("%s: %d samples were acknowledged, %d are stored", w, n, next[w])
		}
	}
	for w, n := range next {
		if n > acknowledged[w]+maxBatch {
			t.Errorf("%s: %d samples are stored, only %d were acknowledged", w, n, acknowledged[w])
		}
	}
	count, err := history.Count(t.Context(), store.Query{})
	if err != nil || count != int64(stored) {
		t.Errorf("the store counts %d samples, %v; it yields %d", count, err, stored)
	}
	return total, stored
}
