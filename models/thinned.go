package models

// thinned keeps some of many values, evenly spread over the order they came in,
// to compute quantiles from: a fleet has as many groups as it has apps.
type thinned struct {
	values []float32
	every  int // one in so many is kept; 0 stands for 1
	skip   int // before the next one
}

// mostThinned bounds the values kept of a group.
const mostThinned = 8192

func (t *thinned) add(v float32) {
	if t.skip > 0 {
		t.skip--
		return
	}
	t.every = max(t.every, 1)
	if len(t.values) == mostThinned {
		for i := range mostThinned / 2 {
			t.values[i] = t.values[2*i]
		}
		t.values = t.values[:mostThinned/2]
		t.every *= 2
	}
	t.values = append(t.values, v)
	t.skip = t.every - 1
}
