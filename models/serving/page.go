package serving

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// page is one edition of the table. Apart from its caches of priors and classes it never
// changes.
type page struct {
	set     *models.Set
	chain   *models.Chain
	entries map[string]*entry // by workload id; those not due are shared with the page before
	margins forecast.Margins  // of the set, raised where nodes needed more
	made    int               // how many were made for this page

	classifier *classify.Classifier // nil when none is in service

	priors    sync.Map // description -> *forecast.Forecast, nil when unknown
	priorSize atomic.Int64

	classes    sync.Map // cores, bytes and devices asked for -> workload.Class, "" when it cannot be told
	classCount atomic.Int64
}

// entry is the forecast of a workload with history.
type entry struct {
	forecast forecast.Forecast
	class    workload.Class
	key      timeseries.Key // of the history it was made from
}

// maxPriors bounds the cache of forecasts by description. Past it they are
// computed each time.
const maxPriors = 10_000

func (p *page) forecast(w *workload.Workload, now time.Time) (*forecast.Forecast, bool) {
	if e, ok := p.entries[w.ID]; ok {
		return &e.forecast, true
	}
	key := description(w)
	if cached, ok := p.priors.Load(key); ok {
		f := cached.(*forecast.Forecast)
		return f, f != nil
	}
	s := models.Describe(w, nil)
	var f *forecast.Forecast
	if made, known := p.chain.Forecast(&s, now); known {
		made.Workload = "" // it speaks for every workload of this description
		f = &made
	}
	if p.priorSize.Add(1) <= maxPriors {
		p.priors.Store(key, f)
	}
	return f, f != nil
}

// byID returns the forecast of a workload with history.
func (p *page) byID(id string) (f *forecast.Forecast, class workload.Class, ok bool) {
	e, ok := p.entries[id]
	if !ok {
		return nil, "", false
	}
	return &e.forecast, e.class, true
}

// description is what a prior rests on: workloads of equal descriptions have
// equal priors.
func description(w *workload.Workload) string {
	var b strings.Builder
	for _, part := range []string{w.Queue, w.App, string(w.Class), w.Requests.String(), w.Limits.String()} {
		b.WriteString(part)
		b.WriteByte(0)
	}
	return b.String()
}
