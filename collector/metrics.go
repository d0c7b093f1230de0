package collector

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what happens to samples between Accept and the store.
type metrics struct {
	accepted      prometheus.Counter
	refused       *prometheus.CounterVec
	shipped       prometheus.Counter
	dropped       prometheus.Counter
	damaged       prometheus.Counter
	rejected      prometheus.Counter
	storeErrors   prometheus.Counter
	shipSeconds   prometheus.Histogram
	spoolBytes    prometheus.GaugeFunc
	spoolSamples  prometheus.GaugeFunc
	spoolMaxBytes prometheus.Gauge
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func newMetrics() *metrics {
	m := &metrics{
		accepted: counter("auspex_collector_accepted_samples_total", "Samples made durable in the spool."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "auspex_collector_refused_samples_total",
			Help: "Samples refused because they are bad, by reason.",
		}, []string{"reason"}),
		shipped:     counter("auspex_collector_shipped_samples_total", "Samples taken from the spool and acknowledged by the store."),
		dropped:     counter("auspex_collector_dropped_oldest_samples_total", "Samples lost because the spool reached its bound."),
		damaged:     counter("auspex_collector_damaged_samples_total", "Samples lost because the spool could not be read back."),
		rejected:    counter("auspex_collector_rejected_samples_total", "Samples lost because the store will never take them."),
		storeErrors: counter("auspex_collector_store_errors_total", "Failed writes to the store."),
		shipSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "auspex_collector_ship_latency_seconds",
			Help:    "Time a successful write of one batch to the store took.",
			Buckets: prometheus.ExponentialBuckets(.001, 4, 8),
		}),
		spoolMaxBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "auspex_collector_spool_max_bytes", Help: "Bound on the spool's size.",
		}),
	}
	for _, r := range reasons {
		m.refused.WithLabelValues(string(r)) // so that it is exported as 0
	}
	return m
}

// watch makes the gauges of s and registers all metrics with r, which may be nil.
func (m *metrics) watch(s *spool, r prometheus.Registerer) error {
	m.spoolMaxBytes.Set(float64(s.opts.maxBytes))
	m.spoolBytes = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "auspex_collector_spool_bytes", Help: "Size of the spool's files.",
	}, func() float64 { return float64(s.log.Bytes()) })
	m.spoolSamples = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "auspex_collector_spool_samples", Help: "Samples in the spool that wait for the store.",
	}, func() float64 { return float64(s.depth()) })
	if r == nil {
		return nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.accepted, m.refused, m.shipped, m.dropped, m.damaged, m.rejected,
		m.storeErrors, m.shipSeconds, m.spoolMaxBytes, m.spoolBytes, m.spoolSamples} {
		errs = append(errs, r.Register(c))
	}
	return errors.Join(errs...)
}
