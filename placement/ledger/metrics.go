package ledger

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the service tells of itself.
type metrics struct {
	decisions *prometheus.CounterVec
	gangs     *prometheus.CounterVec
	seconds   prometheus.Histogram
	conflicts prometheus.Counter
	expired   prometheus.Counter
	refreshed prometheus.Counter
	unusable  prometheus.Counter
	plans     prometheus.Counter
}

// newMetrics registers metrics, those of l among them; nil registers nothing.
func newMetrics(to prometheus.Registerer, l *ledger) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "auspex_placement_decisions_total", Help: "Decisions by outcome: placed, nothing_fits, denied, dry_run.",
		}, []string{"outcome"}),
		gangs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "auspex_placement_gangs_total", Help: "Gangs by outcome: placed, nothing_fits, denied, dry_run.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "auspex_placement_decision_seconds", Help: "Time from a request to its durable answer.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2, 16),
		}),
		conflicts: counter("auspex_placement_conflicts_total", "Decisions made anew because the fleet changed meanwhile."),
		expired:   counter("auspex_placement_reservations_expired_total", "Reservations not confirmed in time."),
		refreshed: counter("auspex_placement_forecasts_refreshed_total", "Placed workloads that got a new forecast."),
		unusable:  counter("auspex_placement_forecasts_unusable_total", "Forecasts that could not be added up and were ignored."),
		plans:     counter("auspex_placement_packing_plans_total", "Plans of what free devices are worth that were taken over."),
	}
	if to == nil {
		return m, nil
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.decisions, m.gangs, m.seconds, m.conflicts, m.expired, m.refreshed, m.unusable, m.plans,
		gauge("auspex_placement_nodes", "Registered nodes.", func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(len(l.mu.nodes))
		}),
		gauge("auspex_placement_readers", "Decisions that are reading the fleet as it was when they began.", func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(l.mu.living.Readers())
		}),
		gauge("auspex_placement_workloads", "Workloads reserved or placed.", func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(len(l.mu.byDecision))
		}),
	} {
		errs = append(errs, to.Register(c))
	}
	return m, errors.Join(errs...)
}

// decided counts a decision; one that was placed, once it is durable.
func (m *metrics) decided(v *verdict, started time.Time) {
	m.decisions.WithLabelValues(outcome(v.Phase, len(v.Denial) > 0)).Inc()
	m.seconds.Observe(time.Since(started).Seconds())
}

func (m *metrics) decidedGang(d *GangDecision, started time.Time) {
	m.gangs.WithLabelValues(outcome(d.Phase, d.Blocking >= 0 && len(d.Members[d.Blocking].Denial) > 0)).Inc()
	m.seconds.Observe(time.Since(started).Seconds())
}

func outcome(p Phase, denied bool) string {
	switch {
	case p == DryRun:
		return "dry_run"
	case denied:
		return "denied"
	case p == Denied:
		return "nothing_fits"
	}
	return "placed"
}
