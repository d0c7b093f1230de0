package serving

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/serving/nodes"
	"github.com/auspex-project/auspex/timeseries"
)

// Samples is what the table needs of the history store.
type Samples interface {
	Scan(ctx context.Context, q store.Query) iter.Seq2[timeseries.Sample, error]
}

// memory is what is remembered of every workload seen in the last three weeks.
type memory struct {
	histories map[string]*models.History
	loaded    time.Time // when everything was last read anew
	newest    time.Time // of all samples read
}

// update reads the samples that came since the last call, or everything when
// that is due, and forgets workloads not seen for as long as a history reaches.
// What is promised of nodes hears of the samples, too.
func (m *memory) update(ctx context.Context, samples Samples, g forecast.Grid, now time.Time, late, reload time.Duration, watched *nodes.Watch) error {
	next := *m
	from := m.newest.Add(-late)
	if oldest := now.Add(-models.Memory); from.Before(oldest) {
		from = oldest // nothing was read yet, or nothing came for weeks
	}
	if anew := m.histories == nil || now.Sub(m.loaded) >= reload || now.Before(m.loaded); anew {
		next = memory{histories: make(map[string]*models.History, len(m.histories)), loaded: now}
		from = now.Add(-models.Memory)
	}
	var h *models.History // of the newest sample: those of a workload come together
	var at nodes.Seats
	workload := ""
	for s, err := range samples.Scan(ctx, store.Query{Window: timeseries.Window{From: from}}) {
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		if h == nil || s.Key.Workload != workload {
			workload, at = s.Key.Workload, watched.Seats(s.Key.Workload)
			if h = next.histories[workload]; h == nil {
				h = models.NewHistory(g)
				next.histories[workload] = h
			}
		}
		h.Add(&s)
		at.Note(&s)
		if s.Time.After(next.newest) && !s.Time.After(now) {
			next.newest = s.Time
		}
	}
	for id, h := range next.histories {
		if now.Sub(h.Last()) > models.Memory {
			delete(next.histories, id)
		}
	}
	*m = next
	return nil
}
