package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// server answers as Prometheus does. Each expression is a function of time, by
// series.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	now      time.Time
	series   map[string][]fakeSeries
	ranges   []int // points of each range asked for
	maxRange int   // points over which it refuses; 0 is none
	down     bool
}

type fakeSeries struct {
	labels map[string]string
	value  func(t time.Time) string // "" is a gap
}

func serve(t *testing.T, now time.Time) *server {
	s := &server{now: now, series: map[string][]fakeSeries{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(status int, kind, text string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":"error","errorType":%q,"error":%q}`, kind, text)
	}
	switch {
	case s.down:
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "Service Unavailable")
		return
	case r.URL.Path == "/api/v1/query":
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[%s,"1"]}}`, seconds(s.now.UnixMilli()))
		return
	}
	parse := func(name string) float64 {
		v, err := strconv.ParseFloat(r.FormValue(name), 64)
		if err != nil {
			fail(http.StatusBadRequest, "bad_data", err.Error())
		}
		return v
	}
	from, to, step := parse("start"), parse("end"), parse("step")
	points := int((to-from)/step+.5) + 1
	s.ranges = append(s.ranges, points)
	series, ok := s.series[r.FormValue("query")]
	switch {
	case !ok:
		fail(http.StatusBadRequest, "bad_data", "parse error: unknown expression")
		return
	case points > maxPoints+1:
		fail(http.StatusBadRequest, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries")
		return
	case s.maxRange > 0 && points > s.maxRange:
		fail(http.StatusUnprocessableEntity, "execution", "query processing would load too many samples into memory in query execution")
		return
	}
	result := []map[string]any{}
	for _, f := range series {
		values := [][2]any{}
		for i := range points {
			at := time.UnixMilli(int64((from+float64(i)*step)*1000 + .5)).UTC()
			if v := f.value(at); v != "" && !at.After(s.now) {
				values = append(values, [2]any{json.Number(seconds(at.UnixMilli())), v})
			}
		}
		if len(values) > 0 {
			result = append(result, map[string]any{"metric": f.labels, "values": values})
		}
	}
	json.NewEncoder(w).Encode(map[string]any{
		"status": "success", "warnings": []string{"ignored"},
		"data": map[string]any{"result": result, "resultType": "matrix"},
	})
}

func always(v string) func(time.Time) string { return func(time.Time) string { return v } }

// collect runs a source until it has nothing new, and returns what it emitted.
func collect(t *testing.T, o Options) []timeseries.Sample {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var got []timeseries.Sample
	p := loadProgress(s.opts.State, s.api.base.Redacted(), s.logger)
	if err := s.catchUp(t.Context(), &p, func(_ context.Context, samples []timeseries.Sample) error {
		got = append(got, samples...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	byPod  = map[string]string{"workload": "namespace/pod", "node": "node", "class": "class", "app": "app", "queue": "namespace"}
	web    = map[string]string{"namespace": "prod", "pod": "web-1", "node": "n1", "app": "web", "class": "service"}
	webKey = timeseries.Key{Workload: "prod/web-1", App: "web", Class: "service", Queue: "prod", Node: "n1", Source: "prometheus"}
)

func cpuOnly(url string) Options {
	return Options{URL: url, Backfill: time.Hour, Queries: []Query{{Resource: resource.CPU, Expr: "cpu", Labels: byPod}}}
}

func TestJoinsQueries(t *testing.T) {
	s := serve(t, noon)
	bare := map[string]string{"namespace": "prod", "pod": "web-1"} // another exporter's labels
	s.series["cpu"] = []fakeSeries{{web, always("1.5")}}
	s.series["memory"] = []fakeSeries{{bare, always("1e9")}, {map[string]string{"namespace": "prod", "pod": "idle"}, always("5")}}
	s.series["memory limit"] = []fakeSeries{{bare, always("2e9")}, {map[string]string{"namespace": "prod", "pod": "limit only"}, always("7")}}
	o := cpuOnly(s.URL)
	o.Queries = append(o.Queries,
		Query{Resource: resource.Memory, Expr: "memory", Labels: byPod},
		Query{Resource: resource.Memory, Limit: true, Expr: "memory limit", Labels: byPod})
	got := collect(t, o)
	// From a backfill of an hour up to one step before noon, on whole minutes.
	if len(got) != 2*59 {
		t.Fatalf("%d samples, want 118", len(got))
	}
	for i, sample := range got {
		wantTime := noon.Truncate(time.Minute).Add(time.Duration(i/2-59) * time.Minute)
		if !sample.Time.Equal(wantTime) {
			t.Fatalf("sample %d is of %v, want %v", i, sample.Time, wantTime)
		}
		switch sample.Key.Workload {
		case "prod/web-1":
			if sample.Key != webKey || !sample.Usage.Equal(resource.Of(1.5, 1e9)) || sample.Limit.Get(resource.Memory) != 2e9 {
				t.Fatalf("sample %+v", sample)
			}
		case "prod/idle":
			if sample.Usage.Has(resource.CPU) || sample.Usage.Get(resource.Memory) != 5 || sample.Limit.Len() != 0 {
				t.Fatalf("sample %+v", sample)
			}
		default:
			t.Fatalf("sample of %q", sample.Key.Workload)
		}
	}
}

func TestLeavesOutWhatIsNoMeasurement(t *testing.T) {
	s := serve(t, noon)
	values := map[int]string{
		0: "NaN", 1: "+Inf", 2: "-Inf", 3: "", 4: "9223372036854775792", 5: "9.223372036854776e+18", 6: "1e20", 7: "-1", 8: "0",
	}
	s.series["cpu"] = []fakeSeries{
		{web, func(at time.Time) string {
			if v, special := values[at.Minute()]; special {
				return v
			}
			return "2"
		}},
		{map[string]string{"node": "n1"}, always("3")}, // names no workload
	}
	var log bytes.Buffer
	o := cpuOnly(s.URL)
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	got := collect(t, o)
	if len(got) != 59-7 { // minutes 1 to 7 of the 59
		t.Errorf("%d samples, want 52", len(got))
	}
	for _, sample := range got {
		want := 2.0
		if sample.Time.Minute() == 8 {
			want = 0
		}
		if v := sample.Usage.Get(resource.CPU); v != want {
			t.Errorf("%v: %g cores, want %g", sample.Time, v, want)
		}
	}
	if text := log.String(); !strings.Contains(text, "series_without_workload=1 negative_points=1 points_added_up=0") {
		t.Errorf("log: %s", text)
	}
}

func TestAddsUpWhatLabelsDoNotTellApart(t *testing.T) {
	s := serve(t, noon)
	s.series["cpu"] = []fakeSeries{{web, always("1")}, {web, always("2")}}
	var log bytes.Buffer
	o := cpuOnly(s.URL)
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	for _, sample := range collect(t, o) {
		if v := sample.Usage.Get(resource.CPU); v != 3 {
			t.Fatalf("%g cores, want 3", v)
		}
	}
	if !strings.Contains(log.String(), "points_added_up=59") {
		t.Errorf("log: %s", log.String())
	}
}

func TestPages(t *testing.T) {
	s := serve(t, noon)
	s.series["cpu"] = []fakeSeries{{web, func(at time.Time) string { return strconv.Itoa(int(at.Unix() % 1000)) }}}
	o := cpuOnly(s.URL)
	o.Step, o.Backfill = time.Second, 100_000*time.Second
	got := collect(t, o)
	if len(got) != 99_999 {
		t.Fatalf("%d samples, want 99999", len(got))
	}
	for i, sample := range got {
		if want := noon.Add(time.Duration(i-99_999) * time.Second); !sample.Time.Equal(want) || int64(sample.Usage.Get(resource.CPU)) != want.Unix()%1000 {
			t.Fatalf("sample %d of %v uses %v, want time %v", i, sample.Time, sample.Usage, want)
		}
	}
	if largest := slices.Max(s.ranges); largest != maxPoints || len(s.ranges) > 20 {
		t.Errorf("pages of %d points, want at most %d", s.ranges, maxPoints)
	}
}

func TestAsksForLessWhenItIsTooMuch(t *testing.T) {
	s := serve(t, noon)
	s.series["cpu"] = []fakeSeries{{web, always("1")}}
	s.maxRange = 10
	o := cpuOnly(s.URL)
	if got := collect(t, o); len(got) != 59 {
		t.Errorf("%d samples, want 59; asked for %v", len(got), s.ranges)
	}

	s.set(func() { s.maxRange = -1 })
	s.series["cpu"] = nil
	for i := range 30_000 { // many workloads: fewer points at a time
		s.series["cpu"] = append(s.series["cpu"], fakeSeries{map[string]string{"namespace": "n", "pod": strconv.Itoa(i)}, always("1")})
	}
	s.ranges = nil
	o.Backfill, o.Step = 100*time.Minute, 10*time.Minute
	if got := collect(t, o); len(got) != 9*30_000 {
		t.Errorf("%d samples, want 270000", len(got))
	}
}

func TestResumes(t *testing.T) {
	s := serve(t, noon)
	s.series["cpu"] = []fakeSeries{{web, always("1")}}
	o := cpuOnly(s.URL)
	o.State = filepath.Join(t.TempDir(), "sub", "prometheus.json")
	first := collect(t, o)
	if again := collect(t, o); len(again) != 0 {
		t.Errorf("%d samples were emitted again", len(again))
	}
	s.set(func() { s.now = s.now.Add(10 * time.Minute) })
	next := collect(t, o)
	if len(next) != 10 || !next[0].Time.Equal(first[len(first)-1].Time.Add(time.Minute)) {
		t.Errorf("resumed with %d samples from %v, want 10", len(next), next)
	}
	// The server's clock has been set back: nothing until it is where it was.
	s.set(func() { s.now = s.now.Add(-5 * time.Minute) })
	if back := collect(t, o); len(back) != 0 {
		t.Errorf("%d samples were emitted again after the clock stepped back", len(back))
	}

	for name, text := range map[string]string{
		"damaged": "{", "other version": `{"version":2}`, "other server": `{"version":1,"server":"http://elsewhere","through":"2026-03-01T12:00:00Z"}`,
	} {
		var log bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		if err := os.WriteFile(o.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := collect(t, o); len(got) < 50 || !strings.Contains(log.String(), "starts anew") {
			t.Errorf("%s: %d samples, log %s", name, len(got), log.String())
		}
	}
	o.State = "/proc/no/such/file"
	if got := collect(t, o); len(got) < 50 {
		t.Errorf("%d samples where progress cannot be noted", len(got))
	}
}

func TestRunOutlivesTheServer(t *testing.T) {
	s := serve(t, noon)
	s.series["cpu"] = []fakeSeries{{web, always("1")}}
	s.down = true
	var log bytes.Buffer
	o := cpuOnly(s.URL)
	o.Interval = time.Millisecond
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	source, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { s.set(func() { s.down = false }) })
	seen := map[time.Time]bool{}
	enough := errors.New("enough")
	err = source.Run(t.Context(), func(_ context.Context, samples []timeseries.Sample) error {
		for _, sample := range samples {
			if seen[sample.Time] {
				t.Errorf("%v was emitted twice", sample.Time)
			}
			seen[sample.Time] = true
		}
		s.set(func() { s.now = s.now.Add(time.Minute) })
		if len(seen) >= 65 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || len(seen) != 65 {
		t.Errorf("run: %v after %d samples", err, len(seen))
	}
	if !strings.Contains(log.String(), "503 Service Unavailable") {
		t.Errorf("log: %s", log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := source.Run(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("run with an ended context: %v", err)
	}
}

func TestOneFailingQueryHoldsBackTheSample(t *testing.T) {
	s := serve(t, noon)
	s.series["cpu"] = []fakeSeries{{web, always("1")}}
	o := cpuOnly(s.URL)
	o.Queries = append(o.Queries, Query{Resource: resource.Memory, Expr: "nonsense(", Labels: byPod})
	source, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	err = source.catchUp(t.Context(), &progress{}, func(context.Context, []timeseries.Sample) error {
		t.Error("a sample without memory was emitted")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), `"nonsense("`) || !strings.Contains(err.Error(), "unknown expression") {
		t.Errorf("error %v does not name the query and the server's reason", err)
	}
}

func TestNewRefuses(t *testing.T) {
	const url = "http://127.0.0.1:9090"
	labels := map[string]string{"workload": "pod"}
	one := func(q Query) Options { return Options{URL: url, Queries: []Query{q}} }
	for want, o := range map[string]Options{
		"not an address":       {URL: "127.0.0.1:9090"},
		"step":                 {URL: url, Step: time.Microsecond},
		"must not be negative": {URL: url, Delay: -1},
		"resource name":        one(Query{Resource: "CPU", Expr: "x", Labels: labels}),
		"expression is empty":  one(Query{Resource: "cpu", Expr: " ", Labels: labels}),
		"names the workload":   one(Query{Resource: "cpu", Expr: "x", Labels: map[string]string{"node": "n"}}),
		"no field":             one(Query{Resource: "cpu", Expr: "x", Labels: map[string]string{"workload": "a", "pod": "b"}}),
		"not a label name":     one(Query{Resource: "cpu", Expr: "x", Labels: map[string]string{"workload": "a/b-c"}}),
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := New(Options{URL: url}); err != nil {
		t.Errorf("the default queries: %v", err)
	}
}

func TestNoSecretInLogs(t *testing.T) {
	var log bytes.Buffer
	source, err := New(Options{URL: "http://user:hunter2@127.0.0.1:1", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	source.Run(ctx, nil)
	if text := log.String(); !strings.Contains(text, "127.0.0.1:1") || strings.Contains(text, "hunter2") {
		t.Errorf("log: %s", text)
	}
}

func FuzzDecodeMatrix(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1435781430.781,"1"],[1435781445.781,"NaN"]]}]}}`))
	f.Add([]byte(`{"data":{"resultType":"vector","result":[]}}`))
	f.Add([]byte(`{"data":{"result":[{"values":[[1]]}]}}`))
	f.Add([]byte(`{"data":{"result":[{"histograms":[[1,{"count":"1"}]]}]},"infos":["x"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		err := decodeMatrix(bytes.NewReader(b), func(labels map[string]string, points []point) {
			n++
			for _, p := range points {
				if p.ms < 0 || p.ms > math.MaxInt64/2 {
					t.Errorf("time %d", p.ms)
				}
			}
		})
		if err == nil && !json.Valid(b[:bytes.LastIndexByte(b, '}')+1]) {
			t.Errorf("%q is no JSON and gave %d series", b, n)
		}
	})
}
