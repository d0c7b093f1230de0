package rpc

import (
	"context"
	"errors"
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

// observe times every call. One that panics counts as INTERNAL.
func (m *meters) observe(ctx context.Context, c *call, next func(context.Context) error) error {
	start := time.Now()
	code := codes.Internal
	gauge := m.inFlight.WithLabelValues(string(c.policy.class))
	gauge.Inc()
	defer func() {
		gauge.Dec()
		m.seconds.WithLabelValues(c.method, code.String()).Observe(time.Since(start).Seconds())
	}()
	err := next(ctx)
	code = status.Code(err)
	return err
}
