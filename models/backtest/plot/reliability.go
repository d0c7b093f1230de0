package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/auspex-project/auspex/models/backtest"
)

// reliability draws the violation rates that came over those asked for, with 95 %
// intervals of the first predictor; on the diagonal promises are kept.
func reliability(r *backtest.Report) *plot.Plot {
	const lowest, highest = .002, .7
	p := newPlot(fmt.Sprintf("Reliability: %s over %s (bars: 95 %% of %s)", r.Resource, r.Horizon, shown[0].name), "nominal violation rate", "violation rate over the test days")
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, lowest*2, highest
	p.Y.Scale, p.Y.Min, p.Y.Max = plot.LogScale{}, lowest, highest
	p.X.Tick.Marker = percentTicks(.01, .02, .05, .1, .2, .5)
	p.Y.Tick.Marker = clippedTicks(lowest, highest, .005, .01, .02, .05, .1, .2)
	diagonal := line(plotter.XYs{{X: 2 * lowest, Y: 2 * lowest}, {X: highest, Y: highest}}, color.Black, vg.Points(1), vg.Points(4), vg.Points(3))
	p.Add(diagonal)
	p.Legend.Add("as promised", diagonal)
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs = true, true, vg.Points(6)
	within := func(x float64) float64 { return min(max(x, lowest), highest) }
	for i, s := range shown {
		predictor := find(r, s.name, true)
		if predictor == nil {
			continue
		}
		var points plotter.XYs
		for text, covered := range predictor.Coverage.Level {
			level, err := strconv.ParseFloat(text, 64)
			if err != nil {
				continue
			}
			points = append(points, plotter.XY{X: 1 - level, Y: within(1 - covered.Share)})
			if in := covered.Interval; i == 0 && in != nil {
				p.Add(line(plotter.XYs{{X: 1 - level, Y: within(1 - in[1])}, {X: 1 - level, Y: within(1 - in[0])}}, s.color, vg.Points(1)))
			}
		}
		slices.SortFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		wide := vg.Points(1.5)
		if i == 0 {
			wide = vg.Points(3)
		}
		l := line(points, s.color, wide)
		p.Add(l, dots(points, s.color, draw.CircleGlyph{}))
		p.Legend.Add(s.name, l)
	}
	return p
}
