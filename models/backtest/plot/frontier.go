package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/auspex-project/auspex/models/backtest"
)

// frontier draws savings over violation rate: lines for scales chosen on the
// test, discs for what was honestly calibrated, rings for raw predictions.
func frontier(r *backtest.Report) *plot.Plot {
	const lowest, highest = .0005, .7
	p := newPlot(fmt.Sprintf("Savings against violations: %s over %s (disc: calibrated, ring: raw, line: scale chosen on the test)", r.Resource, r.Horizon),
		"violation rate", "savings")
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, lowest, highest
	p.X.Tick.Marker = clippedTicks(lowest, highest, .001, .002, .005, .01, .02, .05, .1, .2)
	p.Y.Min, p.Y.Max = r.OracleSavings/2, r.OracleSavings*1.1
	oracle := plotter.XYs{{X: lowest, Y: r.OracleSavings}, {X: highest, Y: r.OracleSavings}}
	l := line(oracle, color.Black, vg.Points(1), vg.Points(4), vg.Points(3))
	p.Add(l)
	p.Legend.Add("oracle", l)
	within := func(x float64) float64 { return min(max(x, lowest), highest) }
	for _, s := range shown {
		calibrated := find(r, s.name, true)
		if calibrated == nil {
			continue
		}
		wide := vg.Points(1.5)
		if s.name == shown[0].name {
			wide = vg.Points(3)
		}
		l := line(matched(calibrated), s.color, wide)
		for _, point := range l.XYs {
			p.Y.Min = min(p.Y.Min, point.Y-.02)
		}
		p.Add(l, dots(plotter.XYs{{X: within(calibrated.ViolationRate), Y: calibrated.Savings}}, s.color, draw.CircleGlyph{}))
		if raw := find(r, s.name, false); raw != nil {
			p.Add(dots(plotter.XYs{{X: within(raw.ViolationRate), Y: raw.Savings}}, s.color, draw.RingGlyph{}))
		}
		p.Legend.Add(s.name, l)
	}
	return p
}

// matched returns savings by violation rate.
func matched(p *backtest.Predictor) plotter.XYs {
	var points plotter.XYs
	for text := range maps.Keys(p.SavingsAt) {
		rate, err := strconv.ParseFloat(text, 64)
		if err == nil {
			points = append(points, plotter.XY{X: rate, Y: p.SavingsAt[text]})
		}
	}
	slices.SortFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	return points
}
