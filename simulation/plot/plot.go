// Package plot draws how policies fill a fleet as more and more arrives.
package plot

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/simulation"
)

const (
	width  = 10 * vg.Inch
	height = 6 * vg.Inch
)

// colours are those of Okabe and Ito, which the colour-blind can tell apart; policies
// beyond the first eight repeat them with dashes.
var colours = [...]color.RGBA{
	{213, 94, 0, 255}, {0, 114, 178, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{230, 159, 0, 255}, {86, 180, 233, 255}, {120, 120, 120, 255}, {0, 0, 0, 255},
}

// Write draws the curves of summaries of one trace into a folder that is there, and
// returns the files: of devices only where arrivals are counted in them.
func Write(dir string, summaries []simulation.Summary) ([]string, error) {
	if len(summaries) == 0 {
		return nil, nil
	}
	trace, of := summaries[0].Trace, summaries[0].ArrivedOf
	arrived := fmt.Sprintf("%s asked for, %% of what the fleet has", of)
	var files []string
	for _, p := range []struct {
		file, title, x, y string
		value             func(simulation.Point) float64
	}{
		{"allocated", trace + ": devices allocated", arrived, "devices allocated, %", func(p simulation.Point) float64 { return p.GPU }},
		{"fragmented", trace + ": free devices that a workload of the mix could not use", arrived, "of all devices, %", func(p simulation.Point) float64 { return p.Fragmented * (1 - p.GPU) }},
		{"cpu", trace + ": cores allocated", arrived, "cores allocated, %", func(p simulation.Point) float64 { return p.CPU }},
		{"memory", trace + ": memory allocated", arrived, "memory allocated, %", func(p simulation.Point) float64 { return p.Memory }},
		{"failed", trace + ": arrivals turned away", arrived, "of all arrivals so far, %", func(p simulation.Point) float64 { return p.Failed }},
	} {
		if of != string(resource.GPU) && (p.file == "allocated" || p.file == "fragmented") {
			continue
		}
		file := filepath.Join(dir, p.file+".png")
		if err := curves(summaries, p.title, p.x, p.y, p.value).Save(width, height, file); err != nil {
			return files, fmt.Errorf("draw %s: %w", file, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// tells is the share of the arrivals of a filling fleet before which all policies do
// alike: it is not drawn.
const tells = .5

// curves draws one value of all summaries over the demand that has arrived.
func curves(summaries []simulation.Summary, title, x, y string, value func(simulation.Point) float64) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(8)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(2), vg.Points(24)
	p.Legend.Left, p.Legend.Top = true, true
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	var lines []*plotter.Line
	for i, s := range summaries {
		line := &plotter.Line{LineStyle: draw.LineStyle{Color: colours[i%len(colours)], Width: vg.Points(1.5)}}
		if i == 0 {
			line.Width = vg.Points(3)
		}
		if i >= len(colours) {
			line.Dashes = []vg.Length{4, 3}
		}
		for _, point := range s.Curve {
			if s.Protocol == simulation.ArrivalsOnly && point.Arrived < tells*s.Arrived {
				continue
			}
			line.XYs = append(line.XYs, plotter.XY{X: 100 * point.Arrived, Y: 100 * value(point)})
		}
		if len(line.XYs) > 0 {
			p.Add(line)
			lines = append(lines, line)
		}
		p.Legend.Add(s.Policy, line)
	}
	p.Y.Max = max(p.Y.Max, p.Y.Min+1)
	p.Y.Max = max(p.Y.Max, p.Y.Min+(highest(p, lines)-p.Y.Min)/(1-min(.7, entry*float64(len(summaries)+1))))
	return p
}

// entry is the share of the height that a line of the legend takes.
const entry = .035

// highest returns the highest point of lines below the legend, in the left quarter.
func highest(p *plot.Plot, lines []*plotter.Line) float64 {
	most := p.Y.Min
	for _, line := range lines {
		for _, point := range line.XYs {
			if point.X <= p.X.Min+(p.X.Max-p.X.Min)/4 {
				most = max(most, point.Y)
			}
		}
	}
	return most
}

// ticks are round numbers, all labelled.
type ticks struct{}

// Ticks implements plot.Ticker.
func (ticks) Ticks(from, to float64) (marks []plot.Tick) {
	const most = 12
	step := math.Pow(10, math.Floor(math.Log10(max(to-from, 1e-9)/most)))
	for _, wider := range [...]float64{1, 2, 5, 10} {
		if (to-from)/(step*wider) <= most {
			step *= wider
			break
		}
	}
	for i := math.Ceil(from / step); i*step <= to; i++ {
		marks = append(marks, plot.Tick{Value: i * step, Label: strconv.FormatFloat(i*step, 'g', 6, 64)})
	}
	return marks
}
