package plot

import (
	"fmt"
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/auspex-project/auspex/models/backtest"
)

const (
	width  = 10 * vg.Inch
	height = 6 * vg.Inch
)

// shown are the predictors that lines are drawn of, in this order and these
// colours (Okabe and Ito's, which the colour-blind can tell apart).
var shown = [...]struct {
	name  string
	color color.RGBA
}{
	{"auspex", color.RGBA{213, 94, 0, 255}},
	{"M-21|SA", color.RGBA{0, 114, 178, 255}},
	{"S-7", color.RGBA{0, 158, 115, 255}},
	{"n-sigma-5", color.RGBA{110, 110, 110, 255}},
	{"rc-like-99", color.RGBA{86, 180, 233, 255}},
	{"autopilot", color.RGBA{204, 121, 167, 255}},
	{"koordinator", color.RGBA{230, 159, 0, 255}},
}

// Write draws the plots of a report into a folder, each as SVG and PNG, and
// returns the files.
func Write(dir string, r *backtest.Report, bands []backtest.Band) ([]string, error) {
	plots := map[string]*plot.Plot{"frontier": frontier(r), "reliability": reliability(r)}
	for i, name := range Names(bands) {
		plots[name] = band(&bands[i], r)
	}
	var files []string
	for name, p := range plots {
		for _, ext := range [...]string{".svg", ".png"} {
			file := filepath.Join(dir, name+ext)
			if err := p.Save(width, height, file); err != nil {
				return files, fmt.Errorf("plot %s: %w", name, err)
			}
			files = append(files, file)
		}
	}
	return files, nil
}

// Names returns the names of the files bands are drawn to, less their endings.
func Names(bands []backtest.Band) []string {
	drawn := map[string]int{}
	var names []string
	for i := range bands {
		kind := "node"
		if bands[i].Members == 1 {
			kind = "workload"
		}
		drawn[kind]++
		names = append(names, fmt.Sprintf("%s-%d", kind, drawn[kind]))
	}
	return names
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size = 14
	p.Title.Padding = vg.Points(8)
	p.Legend.Padding = vg.Points(2)
	p.Legend.ThumbnailWidth = vg.Points(24)
	p.Legend.XOffs = -vg.Points(6)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return p
}

func line(points plotter.XYs, c color.Color, wide vg.Length, dashes ...vg.Length) *plotter.Line {
	return &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c, Width: wide, Dashes: dashes}}
}

func dots(points plotter.XYs, c color.Color, shape draw.GlyphDrawer) *plotter.Scatter {
	return &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: c, Radius: vg.Points(4), Shape: shape}}
}

// find returns the predictor of a name, nil where the report has none.
func find(r *backtest.Report, name string, calibrated bool) *backtest.Predictor {
	for i := range r.Predictors {
		if p := &r.Predictors[i]; p.Name == name && p.Calibrated == calibrated {
			return p
		}
	}
	return nil
}

// clippedTicks are percentTicks between two ends where what lies beyond is drawn.
func clippedTicks(lowest, highest float64, shares ...float64) plot.ConstantTicks {
	ticks := percentTicks(shares...)
	return append(ticks, plot.Tick{Value: lowest, Label: fmt.Sprintf("≤ %g %%", 100*lowest)}, plot.Tick{Value: highest, Label: fmt.Sprintf("≥ %g %%", 100*highest)})
}

// percentTicks label a logarithmic axis of shares.
func percentTicks(shares ...float64) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, s := range shares {
		ticks = append(ticks, plot.Tick{Value: s, Label: fmt.Sprintf("%g %%", 100*s)})
	}
	return ticks
}
