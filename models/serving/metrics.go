package serving

import (
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/auspex-project/auspex/forecast"
)

// metrics are what an operator watches of the table.
type metrics struct {
	workloads *prometheus.GaugeVec
	coverage  *prometheus.GaugeVec
	judged    *prometheus.GaugeVec
	refreshed prometheus.Gauge
	took      prometheus.Histogram
	failures  prometheus.Counter
}

// newMetrics registers with r; nil keeps them unpublished.
func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	return &metrics{
		workloads: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_workloads",
			Help: "Workloads with a forecast from their own history, by the link of the fallback chain it came from.",
		}, []string{"basis"}),
		coverage: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_coverage_ratio",
			Help: "Share of past forecasts of this nominal probability that were not exceeded, measured with a half-life of a week.",
		}, []string{"class", "resource", "probability"}),
		judged: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_coverage_samples",
			Help: "Decayed number of past forecasts behind auspex_forecast_coverage_ratio.",
		}, []string{"class", "resource", "probability"}),
		refreshed: f.NewGauge(prometheus.GaugeOpts{
			Name: "auspex_forecast_refreshed_timestamp_seconds",
			Help: "When the forecast table was last refreshed, in seconds since 1970.",
		}),
		took: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "auspex_forecast_refresh_seconds",
			Help:    "How long a refresh of the forecast table took.",
			Buckets: prometheus.ExponentialBuckets(.01, 4, 8),
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "auspex_forecast_refresh_failures_total",
			Help: "Refreshes of the forecast table that failed and left the old one in place.",
		}),
	}
}

func (m *metrics) publish(p *page, c *coverage, now time.Time, took time.Duration) {
	byBasis := map[forecast.Basis]int{forecast.Learned: 0, forecast.Percentile: 0, forecast.Prior: 0, forecast.Limit: 0}
	for _, e := range p.entries {
		byBasis[e.forecast.Basis]++
	}
	for basis, n := range byBasis {
		m.workloads.WithLabelValues(string(basis)).Set(float64(n))
	}
	for t, k := range c.kept {
		labels := []string{string(t.class), string(t.resource), strconv.FormatFloat(t.probability, 'g', -1, 64)}
		m.coverage.WithLabelValues(labels...).Set(k.held / k.of)
		m.judged.WithLabelValues(labels...).Set(k.of)
	}
	m.refreshed.Set(float64(now.UnixMilli()) / 1e3)
	m.took.Observe(took.Seconds())
}

// decay returns what is left after elapsed of something with this half-life.
func decay(elapsed, halfLife time.Duration) float64 {
	return math.Exp2(-elapsed.Seconds() / halfLife.Seconds())
}
