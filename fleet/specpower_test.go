package fleet_test

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/internal/sharedtest"
)

// Every measured table makes a curve that passes through its points, and on real
// machines the first tenth of the load costs more than idling suggests: what the
// wish for few watts lives on.
func TestMeasuredPowerCurves(t *testing.T) {
	f, err := os.Open(sharedtest.Data(t, "power/specpower_ssj2008_watts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 20 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		watts := make([]float64, 11)
		for i := range watts {
			if watts[i], err = strconv.ParseFloat(row[5+i], 64); err != nil {
				t.Fatal(err)
			}
		}
		c, err := fleet.NewPowerCurve(watts...)
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		for i, w := range watts {
			if got := c.Watts(float64(i) / 10); math.Abs(got-w) > 1e-9 {
				t.Errorf("%s: %g W at %d %%, want %g", row[0], got, 10*i, w)
			}
		}
		waking, more := c.Watts(.1), c.Watts(.6)-c.Watts(.5)
		if waking < 2*more {
			t.Errorf("%s: waking for a tenth of load costs %g W, the same on a busy one %g W", row[0], waking, more)
		}
	}
}
