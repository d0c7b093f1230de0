package plot

import (
	"fmt"
	"image/color"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
)

// band draws the predicted peak, its median and the one that came over the usage
// of a machine or workload.
func band(b *backtest.Band, r *backtest.Report) *plot.Plot {
	unit, per := resource.Name(r.Resource).Unit(), float32(1)
	label := fmt.Sprintf("%s, %s", r.Resource, unit)
	if unit == resource.Bytes {
		label, per = r.Resource+", GiB", 1<<30
	}
	p := newPlot(fmt.Sprintf("%s: what the next %s will use at most, at %g %% risk", b.Machine, r.Horizon, 100*r.Risk), "", label)
	p.X.Tick.Marker = timeTicks(b.Times)
	p.Legend.Top = true
	points := func(values []float32) plotter.XYs {
		out := make(plotter.XYs, len(values))
		for i, v := range values {
			out[i] = plotter.XY{X: float64(b.Times[i].Unix()), Y: float64(v / per)}
		}
		return out
	}
	p.Y.Min = 0
	for _, s := range [...]struct {
		name   string
		values []float32
		color  color.RGBA
		wide   vg.Length
		dashes []vg.Length
	}{
		{"used, hourly maximum", b.Usage, color.RGBA{150, 150, 150, 255}, 1, nil},
		{"peak that came", b.Peak, color.RGBA{0, 0, 0, 255}, 1.2, nil},
		{"predicted, even odds", b.Median, color.RGBA{0, 114, 178, 255}, 1.5, nil},
		{"predicted at the risk", b.Predicted, color.RGBA{213, 94, 0, 255}, 2.5, nil},
		{"sum of limits", b.Limit, color.RGBA{0, 0, 0, 255}, 1, []vg.Length{4, 3}},
	} {
		l := line(points(s.values), s.color, s.wide, s.dashes...)
		p.Add(l)
		p.Legend.Add(s.name, l)
	}
	p.Y.Max *= 1.25
	return p
}

// timeTicks label about six whole hours or days.
func timeTicks(times []time.Time) plot.ConstantTicks {
	if len(times) == 0 {
		return nil
	}
	const most = 8
	first, last := times[0], times[len(times)-1]
	step, format := time.Hour, "Jan 2 15:04"
	for _, step = range [...]time.Duration{time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour} {
		if last.Sub(first) <= most*step {
			break
		}
	}
	if step >= 24*time.Hour {
		format = "Jan 2"
	}
	var ticks plot.ConstantTicks
	for at := first.Truncate(step); !at.After(last); at = at.Add(step) {
		if !at.Before(first) {
			ticks = append(ticks, plot.Tick{Value: float64(at.Unix()), Label: at.Format(format)})
		}
	}
	return ticks
}
