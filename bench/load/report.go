package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally collects the outcome of one kind of call. A nil tally forgets.
type tally struct {
	mu struct {
		sync.Mutex
		latency *hdrhistogram.Histogram // microseconds, of calls that were answered
		noFit   int64
		errors  map[string]int64 // by gRPC code
	}
}

func newTally() *tally {
	t := new(tally)
	t.mu.latency = hdrhistogram.New(1, time.Minute.Microseconds(), 3)
	t.mu.errors = make(map[string]int64)
	return t
}

// answer counts an answer that came after took.
func (t *tally) answer(took time.Duration, noFit bool) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.latency.RecordValue(min(max(took.Microseconds(), 1), time.Minute.Microseconds()))
	if noFit {
		t.mu.noFit++
	}
}

func (t *tally) fail(code string, n int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.errors[code] += int64(n)
}

// report is what the command prints. Its JSON names are stable.
type report struct {
	Server          string  `json:"server"`
	Mix             string  `json:"mix"`
	DryRun          bool    `json:"dry_run"`
	DurationSeconds float64 `json:"duration_seconds"`
	RateAsked       float64 `json:"rate_asked"`    // calls a second
	RateSent        float64 `json:"rate_sent"`     // less than asked: the client was too slow
	RateAnswered    float64 `json:"rate_answered"` // without errors
	Place           outcome `json:"place"`
	Release         outcome `json:"release"`
}

// outcome sums up one kind of call.
type outcome struct {
	Answered  int64            `json:"answered"`
	NoFit     int64            `json:"no_fit"`
	Errors    map[string]int64 `json:"errors"`
	LatencyMS latency          `json:"latency_ms"` // of the answered, from the moment they were due
}

type latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

func newReport(p plan, sent int, measured time.Duration, places, releases *tally) *report {
	r := &report{
		Server: p.server, Mix: p.mix, DryRun: p.dryRun,
		DurationSeconds: measured.Seconds(),
		RateAsked:       p.rate,
		RateSent:        float64(sent) / measured.Seconds(),
		Place:           places.outcome(),
		Release:         releases.outcome(),
	}
	r.RateAnswered = float64(r.Place.Answered) / measured.Seconds()
	return r
}

func (t *tally) outcome() outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.mu.latency
	at := func(quantile float64) float64 { return float64(h.ValueAtQuantile(quantile)) / 1000 }
	return outcome{
		Answered: h.TotalCount(), NoFit: t.mu.noFit, Errors: maps.Clone(t.mu.errors),
		LatencyMS: latency{Mean: h.Mean() / 1000, P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1000},
	}
}

func (r *report) print(w io.Writer, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "%s, mix %s, %.1f s: asked %.0f/s, sent %.0f/s, answered %.0f/s\n",
		r.Server, r.Mix, r.DurationSeconds, r.RateAsked, r.RateSent, r.RateAnswered)
	fmt.Fprintf(w, "%-8s %9s %7s %7s  %8s %8s %8s %8s %8s\n", "", "answered", "no fit", "errors", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms")
	for _, line := range []struct {
		name string
		o    outcome
	}{{"place", r.Place}, {"release", r.Release}} {
		l := line.o.LatencyMS
		fmt.Fprintf(w, "%-8s %9d %7d %7d  %8.2f %8.2f %8.2f %8.2f %8.2f\n", line.name, line.o.Answered, line.o.NoFit, line.o.failed(), l.P50, l.P90, l.P99, l.P999, l.Max)
	}
	for _, code := range slices.Sorted(maps.Keys(r.Place.Errors)) {
		fmt.Fprintf(w, "place %s: %d\n", code, r.Place.Errors[code])
	}
	for _, code := range slices.Sorted(maps.Keys(r.Release.Errors)) {
		fmt.Fprintf(w, "release %s: %d\n", code, r.Release.Errors[code])
	}
	return nil
}

func (o outcome) failed() (n int64) {
	for _, k := range o.Errors {
		n += k
	}
	return n
}
