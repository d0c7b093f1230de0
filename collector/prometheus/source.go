package prometheus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/resource"
)

// Query is PromQL for one resource.
type Query struct {
	Resource resource.Name
	Limit    bool   // it gives the limit rather than the usage
	Expr     string // an instant vector, in the resource's base unit

	// Labels says which label each field of a sample's key comes from: fields
	// workload, app, class, queue and node; values such as "pod" or, joined by the
	// same slashes, "namespace/pod". A workload is required, and is what the queries
	// are joined by.
	Labels map[string]string
}

// DefaultQueries measure the pods of a Kubernetes cluster by what cAdvisor and
// kube-state-metrics publish.
func DefaultQueries() []Query {
	labels := map[string]string{"workload": "namespace/pod", "queue": "namespace", "node": "node"}
	sum := func(expr string) string { return "sum by (namespace, pod, node) (" + expr + ")" }
	const container = `{container!="", container!="POD"}`
	return []Query{
		{Resource: resource.CPU, Labels: labels, Expr: sum("rate(container_cpu_usage_seconds_total" + container + "[5m])")},
		{Resource: resource.Memory, Labels: labels, Expr: sum("container_memory_working_set_bytes" + container)},
		{Resource: resource.CPU, Limit: true, Labels: labels, Expr: sum(`kube_pod_container_resource_limits{resource="cpu"}`)},
		{Resource: resource.Memory, Limit: true, Labels: labels, Expr: sum(`kube_pod_container_resource_limits{resource="memory"}`)},
	}
}

// Options of a Source. URL is required.
type Options struct {
	URL      string        // such as http://127.0.0.1:9090
	Queries  []Query       // empty is DefaultQueries
	Interval time.Duration // between questions; 0 is one minute
	Step     time.Duration // of the samples, whole milliseconds; 0 is one minute
	Backfill time.Duration // how far back the first question goes; 0 is a day

	// Delay is how old a point must be before it is asked for, so that what it is
	// made of has been scraped. 0 is one step.
	Delay time.Duration

	State  string       // file that remembers how far samples have been emitted; "" forgets
	Client *http.Client // nil is one with a timeout of two minutes
	Logger *slog.Logger // nil discards
}

const (
	// maxPoints per series is what Prometheus answers at most (web/api/v1/api.go
	// in its source).
	maxPoints = 11_000

	// pageSamples is how many samples a page should make; it bounds memory.
	pageSamples = 200_000

	// firstPoints of each series are asked for before the number of workloads is known.
	firstPoints = 60

	minBackoff = time.Second
	maxBackoff = time.Minute
)

// sourceLabel is the Source of every sample.
const sourceLabel = "prometheus"

// Source asks one server. It implements collector.Source.
type Source struct {
	opts    Options
	queries []query
	api     api
	logger  *slog.Logger
}

var _ collector.Source = (*Source)(nil)

// New checks the options; it does not speak to the server.
func New(o Options) (*Source, error) {
	set := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	set(&o.Interval, time.Minute)
	set(&o.Step, time.Minute)
	set(&o.Backfill, 24*time.Hour)
	set(&o.Delay, o.Step)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 2 * time.Minute}
	}
	if len(o.Queries) == 0 {
		o.Queries = DefaultQueries()
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return nil, fmt.Errorf("prometheus source: %q is not an address such as http://127.0.0.1:9090", o.URL)
	case o.Step < time.Millisecond || o.Step%time.Millisecond != 0:
		return nil, fmt.Errorf("prometheus source: step %v is not a positive number of milliseconds", o.Step)
	case o.Interval < 0 || o.Backfill < 0 || o.Delay < 0:
		return nil, fmt.Errorf("prometheus source: interval %v, backfill %v and delay %v must not be negative", o.Interval, o.Backfill, o.Delay)
	}
	s := &Source{opts: o, api: api{base: u, client: o.Client}, logger: o.Logger.With("server", u.Redacted())}
	for i, q := range o.Queries {
		parsed, err := parseQuery(q)
		if err != nil {
			return nil, fmt.Errorf("prometheus source: query %d (%s): %w", i+1, q.Resource, err)
		}
		s.queries = append(s.queries, parsed)
	}
	return s, nil
}

// query is a Query with its labels taken apart.
type query struct {
	Query
	labels [keyFields][]string // by field
}

// The fields of a key that labels may name.
const (
	fieldWorkload = iota
	fieldApp
	fieldClass
	fieldQueue
	fieldNode
	keyFields
)

var fieldNames = [keyFields]string{"workload", "app", "class", "queue", "node"}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func parseQuery(q Query) (query, error) {
	parsed := query{Query: q}
	if err := q.Resource.Validate(); err != nil {
		return parsed, err
	}
	if strings.TrimSpace(q.Expr) == "" {
		return parsed, errors.New("the expression is empty")
	}
	if q.Labels["workload"] == "" {
		return parsed, errors.New("no label names the workload (labels: workload: pod)")
	}
fields:
	for field, labels := range q.Labels {
		for i, name := range fieldNames {
			if field != name {
				continue
			}
			parsed.labels[i] = strings.Split(labels, "/")
			for _, l := range parsed.labels[i] {
				if !labelName.MatchString(l) {
					return parsed, fmt.Errorf("labels: %s: %q is not a label name", field, l)
				}
			}
			continue fields
		}
		return parsed, fmt.Errorf("labels: %q is no field of a sample (want workload, app, class, queue or node)", field)
	}
	return parsed, nil
}

// Run asks for what is new, at once and then every interval, until ctx ends.
// What cannot be had now is asked for again.
func (s *Source) Run(ctx context.Context, emit collector.Emit) error {
	progress := loadProgress(s.opts.State, s.api.base.Redacted(), s.logger)
	failures := 0
	for {
		pause := s.opts.Interval
		err := s.catchUp(ctx, &progress, emit)
		var stop *emitError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &stop):
			return stop.err
		case err != nil:
			pause = min(minBackoff<<min(failures, 16), maxBackoff)
			failures++
			s.logger.Error("prometheus source has to wait", "error", err, "failures", failures, "retry_in", pause)
		default:
			failures = 0
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// emitError tells an error of emit, which ends the source, from one of the server.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

// catchUp emits everything from where progress stands to the server's now.
func (s *Source) catchUp(ctx context.Context, progress *progress, emit collector.Emit) error {
	now, err := s.api.now(ctx)
	if err != nil {
		return err
	}
	last := now.Add(-s.opts.Delay).Truncate(s.opts.Step)
	if progress.Through.IsZero() {
		progress.Through = now.Add(-s.opts.Backfill).Truncate(s.opts.Step)
	}
	points := firstPoints
	for from := progress.next(s.opts.Step); !from.After(last); from = progress.next(s.opts.Step) {
		to := from.Add(time.Duration(points-1) * s.opts.Step)
		if to.After(last) {
			to = last
		}
		page, err := s.page(ctx, from, to)
		if errors.Is(err, errTooMuch) && to.After(from) {
			points = (int(to.Sub(from)/s.opts.Step) + 1) / 2
			s.logger.Info("prometheus source asks for less at a time", "points", points, "error", err)
			continue
		}
		if err != nil {
			return err
		}
		for batch := range page.batches() {
			if err := emit(ctx, batch); err != nil {
				return &emitError{err}
			}
		}
		progress.Through = to
		progress.save()
		points = min(max(pageSamples/max(len(page.workloads), 1), 1), maxPoints, 2*points)
	}
	return nil
}
