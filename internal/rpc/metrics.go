package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type meters struct {
	seconds  *prometheus.HistogramVec // by method and code
	inFlight *prometheus.GaugeVec     // by rate class
	panics   prometheus.Counter
	samples  *prometheus.CounterVec // of ReportUsage, by outcome
}

func newMeters(reg prometheus.Registerer) (*meters, error) {
	m := &meters{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "auspex_grpc_request_seconds",
			Help:    "Time from a call's arrival to its answer; streams to their end.",
			Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "code"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_grpc_requests_in_flight",
			Help: "Calls being served, by rate class.",
		}, []string{"class"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "auspex_grpc_panics_total",
			Help: "Calls that ended in a panic, each logged with its stack.",
		}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "auspex_grpc_usage_samples_total",
			Help: "Samples received by ReportUsage, by outcome: accepted or refused.",
		}, []string{"outcome"}),
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.seconds), reg.Register(m.inFlight), reg.Register(m.panics), reg.Register(m.samples))
}

// observe returns the step that times every call. One that panics counts as INTERNAL.
func (m *meters) observe() step {
	// Looked up with the first call, not with each.
	flying := make(map[rateClass]func() prometheus.Gauge)
	answered := make(map[string]func() prometheus.Observer)
	for method, p := range policies {
		flying[p.class] = sync.OnceValue(func() prometheus.Gauge { return m.inFlight.WithLabelValues(string(p.class)) })
		answered[method] = sync.OnceValue(func() prometheus.Observer { return m.seconds.WithLabelValues(method, codes.OK.String()) })
	}
	return func(ctx context.Context, c *call, next func(context.Context) error) error {
		start := time.Now()
		code := codes.Internal
		gauge := flying[c.policy.class]()
		gauge.Inc()
		defer func() {
			gauge.Dec()
			seconds := time.Since(start).Seconds()
			if code == codes.OK {
				answered[c.method]().Observe(seconds)
				return
			}
			m.seconds.WithLabelValues(c.method, code.String()).Observe(seconds)
		}()
		err := next(ctx)
		code = status.Code(err)
		return err
	}
}
