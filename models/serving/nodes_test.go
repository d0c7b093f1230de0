package serving

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

const (
	townNodes  = 60
	townWithin = 3 // workloads a node
)

// town is sixty nodes of three workloads that use one core each, or, together on
// a share of the nodes each day, as much as their limits of four.
type town struct {
	shelf
	table *Table
	log   strings.Builder
}

func (s *town) live(at time.Time, wild int) {
	for node := range townNodes {
		for w := range townWithin {
			use := 1.
			if node%10 < wild && at.Hour() == 12 {
				use = 4
			}
			s.samples = append(s.samples, timeseries.Sample{
				Key:  timeseries.Key{Workload: fmt.Sprint("n", node, "w", w), App: fmt.Sprint("app", node), Class: workload.Batch, Node: fmt.Sprint("node", node), Source: "test"},
				Time: at, Usage: resource.Vector{}.With(resource.CPU, use), Limit: resource.Vector{}.With(resource.CPU, 4),
			})
		}
	}
}

func (s *town) pass(t *testing.T, days, wild int) {
	t.Helper()
	for range days * 24 {
		<-time.After(time.Hour)
		s.live(time.Now().Add(-time.Minute), wild)
		if err := s.table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNodesAreHeldAgainstWhatWasPromised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &town{}
		for hour := 10 * 24; hour > 0; hour-- {
			s.live(time.Now().Add(-time.Duration(hour)*time.Hour), 0)
		}
		r := openRegistry(t)
		files, err := models.EncodeMargins(models.NodeMargins{Bands: []models.SumBand{{Band: forecast.Band{Resource: resource.CPU, MaxMembers: 12,
			Points: []forecast.Point{{Risk: .05, Q: .1}, {Risk: .02, Q: .1}, {Risk: .01, Q: .1}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Save(registry.Meta{Kind: registry.Margins, Rows: 1}, files)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Promote(registry.MarginsRole, m.ID, "for a test"); err != nil {
			t.Fatal(err)
		}
		open := func() {
			s.table = newTable(t, s, func(o *Options) {
				o.Registry, o.Every, o.Metrics, o.Log = r, time.Hour, prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&s.log, nil))
			})
		}
		open()
		margin := func() float32 { return s.table.Margins().At(resource.CPU, townWithin, .01) }
		coverage := func() float64 {
			return testutil.ToFloat64(s.table.metrics.nodeCoverage.WithLabelValues("batch", "cpu", "12", "span", "0.99"))
		}

		s.pass(t, 3, 0)
		if got := coverage(); got != 1 {
			t.Errorf("coverage of quiet nodes is %g", got)
		}
		if n := testutil.ToFloat64(s.table.metrics.nodesJudged.WithLabelValues("batch", "cpu", "12", "span")); n != townNodes {
			t.Errorf("%g nodes and days were judged, want one day of %d", n, townNodes)
		}
		if margin() != .1 {
			t.Errorf("margin of quiet nodes is %g", margin())
		}
		open() // a restart loses nothing that is pending

		// Nodes that always used three cores suddenly use twelve, others day by day.
		for wild := 2; wild <= 9; wild++ {
			s.pass(t, 1, wild)
		}
		if got := coverage(); got > .95 {
			t.Errorf("coverage of wild nodes is %g", got)
		}
		if margin() <= .1 || testutil.ToFloat64(s.table.metrics.nodesRaised.WithLabelValues("cpu", "12", "span")) != 1 {
			t.Errorf("the promise was broken, and the margin is %g", margin())
		}
		if n := strings.Count(s.log.String(), "margins are raised"); n != 1 {
			t.Errorf("it was said %d times:\n%s", n, s.log.String())
		}
		if err := s.table.Margins().Validate(); err != nil {
			t.Error(err)
		}

		// Two weeks later what was passed is forgotten.
		s.pass(t, 17, 0)
		if margin() != .1 || !strings.Contains(s.log.String(), "hold what is promised for them again") {
			t.Errorf("two quiet weeks later the margin is %g", margin())
		}
	})
}
