package baseline

import "github.com/auspex-project/auspex/models/backtest"

// Largest predicts the larger of what two contestants predict: Google's max
// predictor of RC-like and N-sigma (Bashir et al., EuroSys'21, section 4.2).
type Largest struct {
	name string
	a, b backtest.Contestant
}

var _ backtest.Contestant = Largest{}

// Max returns the larger of a and b.
func Max(name string, a, b backtest.Contestant) Largest { return Largest{name, a, b} }

// Name returns the name the contestant goes by in reports.
func (l Largest) Name() string { return l.name }

// Enter readies both.
func (l Largest) Enter(p *backtest.Panel, origins []int) backtest.Entry {
	return &largest{l.a.Enter(p, origins), l.b.Enter(p, origins)}
}

type largest struct{ a, b backtest.Entry }

func (l *largest) Bounds(i int, at backtest.Membership, sum *backtest.Sum) (low, high float32) {
	lowA, highA := l.a.Bounds(i, at, sum)
	lowB, highB := l.b.Bounds(i, at, sum)
	return max(lowA, lowB), max(highA, highB)
}
