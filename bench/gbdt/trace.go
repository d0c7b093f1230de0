package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// between is the time between two rows of one workload.
const between = 3 * time.Hour

// moment is what was known of a workload at a time, and the peak that followed
// within an hour, both as shares of the workload's scale.
type moment struct {
	at     time.Time
	row    []float32
	scale  float64
	target float32
}

// traced reads rows of the CPU of recorded workloads: the features forecasts are
// made from, and the peak of the next hour. The last 30 % in time are judged.
func traced(ctx context.Context, trace string, most int) (*data, error) {
	ref, err := datasets.ParseRef(trace)
	if err != nil {
		return nil, err
	}
	usage, err := datasets.OpenUsage(ref, datasets.Options{})
	if err != nil {
		return nil, err
	}
	watched := map[string]*watch{}
	for s, err := range usage.Samples(ctx) {
		if errors.As(err, new(*datasets.RowError)) {
			continue
		} else if err != nil {
			return nil, err
		}
		w := watched[s.Key.Workload]
		if w == nil {
			w = &watch{history: models.NewHistory(forecast.DefaultGrid())}
			watched[s.Key.Workload] = w
		}
		w.add(&s)
	}
	var moments []moment
	for _, w := range watched {
		moments = append(moments, w.moments...)
	}
	slices.SortFunc(moments, func(a, b moment) int {
		return cmp.Or(a.at.Compare(b.at), slices.Compare(a.row, b.row))
	})
	if len(moments) < 2000 {
		return nil, fmt.Errorf("%s: %d rows, want at least 2000", trace, len(moments))
	}
	split := len(moments) * 7 / 10
	d := &data{train: dataset(moments[:split]), test: dataset(moments[split:])}
	if split > most {
		d.train = dataset(moments[split-most : split])
	}
	return d, nil
}

// watch makes the moments of one workload. Samples come in the order of time.
type watch struct {
	history *models.History
	open    *moment
	moments []moment
}

func (w *watch) add(s *timeseries.Sample) {
	if !s.Usage.Has(resource.CPU) {
		return
	}
	if w.open != nil && s.Time.Sub(w.open.at) > time.Hour {
		w.moments, w.open = append(w.moments, *w.open), nil
	}
	if w.open == nil && (len(w.moments) == 0 || s.Time.Sub(w.moments[len(w.moments)-1].at) >= between) {
		who := models.Observed(w.history)
		if row, scale, ok := models.Row(nil, &who, resource.CPU, w.history.Last(), forecast.DefaultGrid()); ok {
			w.open = &moment{at: w.history.Last(), row: row, scale: scale}
		}
	}
	if w.open != nil {
		w.open.target = max(w.open.target, float32(s.Usage.Get(resource.CPU)/w.open.scale))
	}
	w.history.Add(s)
}

func dataset(moments []moment) *gbdt.Dataset {
	d := &gbdt.Dataset{Targets: make([]float32, len(moments))}
	for f := range moments[0].row {
		column := make([]float32, len(moments))
		for i, m := range moments {
			column[i] = m.row[f]
		}
		d.Columns = append(d.Columns, column)
	}
	for i, m := range moments {
		d.Targets[i] = m.target
	}
	return d
}
