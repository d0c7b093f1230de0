package fleet

import (
	"fmt"
	"math"
)

// curvePoints is the length of a SPECpower_ssj2008 table: 0, 10, ... 100 % load.
const curvePoints = 11

// PowerCurve gives the watts a machine draws at each tenth of its CPU capacity,
// without its devices. The zero curve is unknown and draws nothing.
type PowerCurve struct {
	watts [curvePoints]float64
}

// NewPowerCurve returns the curve through watts: 11 values at 0, 10, ... 100 %
// CPU, or 2 for a straight line up from idle to full, or none for unknown. Values
// may not be negative; a table's need not rise, as measured ones do not always.
func NewPowerCurve(watts ...float64) (PowerCurve, error) {
	var c PowerCurve
	for _, w := range watts {
		if !(w >= 0) || math.IsInf(w, 0) {
			return c, fmt.Errorf("power curve: %g W (want a finite draw of 0 or more)", w)
		}
	}
	switch len(watts) {
	case 0:
		return c, nil
	case 2:
		if watts[0] > watts[1] {
			return c, fmt.Errorf("power curve: idle %g W is over full %g W", watts[0], watts[1])
		}
		for i := range c.watts {
			c.watts[i] = watts[0] + (watts[1]-watts[0])*float64(i)/(curvePoints-1)
		}
	case curvePoints:
		copy(c.watts[:], watts)
	default:
		return c, fmt.Errorf("power curve: %d values (want 2 for idle and full, or 11 for 0 to 100 %%)", len(watts))
	}
	return c, nil
}

// Watts returns the draw at a CPU utilisation, linear between the table's
// points; utilisation is held to [0, 1], and NaN counts as 1.
func (c *PowerCurve) Watts(utilisation float64) float64 {
	if utilisation != utilisation {
		utilisation = 1
	}
	x := min(max(utilisation, 0), 1) * (curvePoints - 1)
	i := min(int(x), curvePoints-2)
	return c.watts[i] + (c.watts[i+1]-c.watts[i])*(x-float64(i))
}

// Flattest returns the least that the draw rises with utilisation anywhere, in watts
// from none to full; below 0 where it falls.
func (c *PowerCurve) Flattest() float64 {
	least := math.Inf(1)
	for i := 1; i < curvePoints; i++ {
		least = min(least, (c.watts[i]-c.watts[i-1])*(curvePoints-1))
	}
	return least
}

// Known reports whether the curve holds any draw.
func (c *PowerCurve) Known() bool { return c.watts != [curvePoints]float64{} }

// Table returns the watts at 0, 10, ... 100 % CPU, nil when unknown.
func (c *PowerCurve) Table() []float64 {
	if !c.Known() {
		return nil
	}
	return append([]float64(nil), c.watts[:]...)
}

// Validate reports a draw that is negative or not finite.
func (c *PowerCurve) Validate() error {
	for i, w := range c.watts {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("power curve: %g W at %d %%", w, i*10)
		}
	}
	return nil
}
