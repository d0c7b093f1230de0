package serving

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/serving/nodes"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// metrics are what an operator watches of the table.
type metrics struct {
	workloads *prometheus.GaugeVec
	coverage  *prometheus.GaugeVec
	judged    *prometheus.GaugeVec
	fallen    *prometheus.GaugeVec
	shadow    *prometheus.GaugeVec
	changes   *prometheus.CounterVec

	nodeCoverage *prometheus.GaugeVec
	nodesJudged  *prometheus.GaugeVec
	nodeChanges  *prometheus.CounterVec
	nodesRaised  *prometheus.GaugeVec

	made      prometheus.Counter
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
			Help: "Share of forecasts of this nominal probability, by the model in service, that were not exceeded over the last two weeks.",
		}, []string{"class", "resource", "probability"}),
		judged: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_coverage_samples",
			Help: "Number of past forecasts behind auspex_forecast_coverage_ratio.",
		}, []string{"class", "resource", "probability"}),
		fallen: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_fallen_back",
			Help: "1 where a class has no learned model in service though one served before: its coverage fell out of its band, or the gate took it out.",
		}, []string{"class", "resource"}),
		shadow: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_challenger_loss_ratio",
			Help: "Loss of the challenger in shadow over that of the champion, on the same forecasts.",
		}, []string{"class", "resource"}),
		changes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "auspex_forecast_model_changes_total",
			Help: "Models taken out of service because their coverage fell out of its band (fell_back), and challengers promoted or dismissed.",
		}, []string{"class", "resource", "outcome"}),
		nodeCoverage: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_node_coverage_ratio",
			Help: "Share of nodes and days on which the sum of a node's workloads stayed within what was promised for it at this probability, over the last two weeks.",
		}, []string{"class", "resource", "members", "horizon", "probability"}),
		nodesJudged: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_node_coverage_samples",
			Help: "Number of nodes and days behind auspex_forecast_node_coverage_ratio.",
		}, []string{"class", "resource", "members", "horizon"}),
		nodesRaised: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auspex_forecast_node_margin_raised",
			Help: "1 where margins are raised over those calibrated because nodes passed what was promised for them.",
		}, []string{"resource", "members", "horizon"}),
		nodeChanges: f.NewCounterVec(prometheus.CounterOpts{
			Name: "auspex_forecast_node_margin_changes_total",
			Help: "Margins raised because nodes passed what was promised for them (raised), and put back because they hold again (holds) or can no longer be judged (unjudged).",
		}, []string{"resource", "members", "horizon", "outcome"}),
		made: f.NewCounter(prometheus.CounterOpts{
			Name: "auspex_forecast_made_total",
			Help: "Forecasts made: of each workload once a slot, and at once when it passed what was said.",
		}),
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

func (m *metrics) count(c change) {
	m.changes.WithLabelValues(string(c.target.Class), string(c.target.Resource), string(c.outcome)).Inc()
}

func (m *metrics) publish(p *page, w *watch, now time.Time, took time.Duration) {
	byBasis := map[forecast.Basis]int{forecast.Learned: 0, forecast.Percentile: 0, forecast.Prior: 0, forecast.Limit: 0}
	for _, e := range p.entries {
		byBasis[e.forecast.Basis]++
	}
	for basis, n := range byBasis {
		m.workloads.WithLabelValues(string(basis)).Set(float64(n))
	}
	m.publishRecord(p.set, w.record)
	for target, champion := range p.set.Champions {
		fallen := 0.0
		if champion.Fell {
			fallen = 1
		}
		m.fallen.WithLabelValues(string(target.Class), string(target.Resource)).Set(fallen)
	}
	m.made.Add(float64(p.made))
	m.refreshed.Set(float64(now.UnixMilli()) / 1e3)
	m.took.Observe(took.Seconds())
}

// publishRecord shows what became of forecasts by what serves now.
func (m *metrics) publishRecord(set *models.Set, r *trial.Record) {
	m.coverage.Reset()
	m.judged.Reset()
	m.shadow.Reset()
	for _, e := range r.Entries() {
		target := models.Target{Class: workload.Class(e.Class), Resource: resource.Name(e.Resource)}
		serves := percentilesModel
		champion, learned := set.Champion(target)
		if learned {
			serves = champion.ID
		}
		if challenger, ok := set.Challengers[set.RoleOf(target)]; ok && challenger.ID == e.Model {
			loss := r.Loss(e).Mean
			if champions := loss - r.ToChampion(e).Mean; champions > 0 {
				m.shadow.WithLabelValues(e.Class, e.Resource).Set(loss / champions)
			}
		}
		if e.Model != serves {
			continue
		}
		for _, level := range r.Levels {
			labels := []string{e.Class, e.Resource, strconv.FormatFloat(level, 'g', -1, 64)}
			m.coverage.WithLabelValues(labels...).Set(1 - r.Misses(e, level).Mean)
			m.judged.WithLabelValues(labels...).Set(float64(e.Tally.Cases()))
		}
	}
}

func (m *metrics) countNodes(c nodes.Change) {
	m.nodeChanges.WithLabelValues(string(c.Resource), strconv.Itoa(c.MaxMembers), c.Within(), string(c.Outcome)).Inc()
}

// publishNodes shows what became of promises for nodes.
func (m *metrics) publishNodes(w *nodes.Watch) {
	m.nodeCoverage.Reset()
	m.nodesJudged.Reset()
	m.nodesRaised.Reset()
	r := w.Record()
	for _, e := range r.Entries() {
		b, ok := nodes.Named(resource.Name(e.Resource), e.Model)
		if !ok {
			continue
		}
		members := strconv.Itoa(b.MaxMembers)
		m.nodesJudged.WithLabelValues(e.Class, e.Resource, members, b.Within()).Set(float64(e.Tally.Cases()))
		for _, level := range r.Levels {
			m.nodeCoverage.WithLabelValues(e.Class, e.Resource, members, b.Within(), strconv.FormatFloat(level, 'g', -1, 64)).Set(1 - r.Misses(e, level).Mean)
		}
		raised := 0.
		if w.Raised(b) {
			raised = 1
		}
		m.nodesRaised.WithLabelValues(e.Resource, members, b.Within()).Set(raised)
	}
}
