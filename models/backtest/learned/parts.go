package learned

import "github.com/auspex-project/auspex/models/backtest"

const (
	parts = 4  // of the seen tracks, that beginnings are learned without in turn
	all   = -1 // of them
)

// coldLevel is the quantile of beginnings that is learned.
const coldLevel = .98

// newbornTimes is how many times the rows and trees beginnings are learned with: other
// workloads' judge them, not neighbouring days of the same, which too many trees know by heart.
const newbornTimes = 2

// part returns the g-th part of the seen tracks.
func (l *Peak) part(g int) []int {
	var out []int
	for i := g; i < len(l.seen); i += parts {
		out = append(out, l.seen[i])
	}
	return out
}

// without returns the seen tracks but their g-th part.
func (l *Peak) without(g int) []int {
	var out []int
	for i, k := range l.seen {
		if i%parts != g {
			out = append(out, k)
		}
	}
	return out
}

// apart is the contestant that has not learned from the beginnings of one part.
type apart struct {
	*Peak
	part int
}

// Enter readies the contestant; it was fitted before.
func (a *apart) Enter(_ *backtest.Panel, origins []int) backtest.Entry {
	return &entry{a.Peak, origins, a.part}
}

// beginning predicts the peak of a machine whose workloads have just started, as a
// share of its limit, by what was learned without a part of the tracks, or by the
// mean of that. It is not ok where there was too little to learn from.
func (e *epoch) beginning(v *view, part int) (share float32, ok bool) {
	n := 0
	for g, m := range e.cold {
		if m == nil || part != all && g != part {
			continue
		}
		share += predict(m, v)
		n++
	}
	return share / float32(max(n, 1)), n > 0
}
