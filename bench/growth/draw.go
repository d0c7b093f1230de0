package main

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/auspex-project/auspex/bench/engine"
)

// growth returns the power of the number of nodes that the cost of a decision grows
// with: the slope of the straight line through the points of a mix, both on
// logarithmic scales. It takes two points.
func growth(points []point, mix engine.Mix) (slope float64, ok bool) {
	var x, y []float64
	for _, p := range points {
		if p.Mix == mix {
			x, y = append(x, math.Log(float64(p.Nodes))), append(y, math.Log(p.micros()))
		}
	}
	if len(x) < 2 {
		return 0, false
	}
	_, slope = stat.LinearRegression(x, y, nil, false)
	return slope, true
}

var colors = [...]color.Color{color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255}}

// picture draws cost over fleet size, one line a mix, and a thin line of linear
// growth from where each begins.
func picture(points []point, path string) error {
	p := plot.New()
	p.Title.Text = "CPU time of a decision and its release, every constraint in use"
	p.X.Label.Text, p.Y.Label.Text = "nodes", "µs"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	p.Legend.Top, p.Legend.Left = true, true
	lines := map[engine.Mix]plotter.XYs{}
	var order []engine.Mix
	for _, x := range points {
		if lines[x.Mix] == nil {
			order = append(order, x.Mix)
		}
		lines[x.Mix] = append(lines[x.Mix], plotter.XY{X: float64(x.Nodes), Y: x.micros()})
	}
	for i, mix := range order {
		line, dots, err := plotter.NewLinePoints(lines[mix])
		if err != nil {
			return fmt.Errorf("draw %s: %w", mix, err)
		}
		line.Color, dots.Color = colors[i%len(colors)], colors[i%len(colors)]
		line.Width, dots.Shape = vg.Points(1.5), draw.CircleGlyph{}
		p.Add(line, dots)
		p.Legend.Add(string(mix), line, dots)
		first, last := lines[mix][0], lines[mix][len(lines[mix])-1]
		linear, err := plotter.NewLine(plotter.XYs{first, {X: last.X, Y: first.Y * last.X / first.X}})
		if err != nil {
			return fmt.Errorf("draw %s: %w", mix, err)
		}
		linear.Color, linear.Dashes = colors[i%len(colors)], []vg.Length{vg.Points(2), vg.Points(3)}
		p.Add(linear)
		if i == 0 {
			p.Legend.Add("linear growth", linear)
		}
	}
	if err := p.Save(16*vg.Centimeter, 11*vg.Centimeter, path); err != nil {
		return fmt.Errorf("draw %s: %w", path, err)
	}
	return nil
}
