package gbdt

// histogram sums the statistics of a leaf's rows by feature and bin: histogram[f/8][f%8][bin].
type histogram []histogramBlock

// histogramBlock matches a block of the binned matrix. Its 16 KiB stay in a first-level cache while rows are added.
type histogramBlock [blockLanes][256]stat

func (h histogram) lane(feature int) *[256]stat {
	return &h[feature/blockLanes][feature%blockLanes]
}

// add adds to every lane the statistics of some rows, whose bins are in words.
func (h *histogramBlock) add(words []uint64, stats []stat) {
	stats = stats[:len(words)]
	for i, bins := range words {
		s := stats[i]
		h[0][uint8(bins)] += s
		h[1][uint8(bins>>8)] += s
		h[2][uint8(bins>>16)] += s
		h[3][uint8(bins>>24)] += s
		h[4][uint8(bins>>32)] += s
		h[5][uint8(bins>>40)] += s
		h[6][uint8(bins>>48)] += s
		h[7][uint8(bins>>56)] += s
	}
}

// addLanes is add for some lanes only, two in each pass.
func (h *histogramBlock) addLanes(lanes []uint8, words []uint64, stats []stat) {
	var unused [256]stat
	stats = stats[:len(words)]
	for ; len(lanes) > 0; lanes = lanes[min(2, len(lanes)):] {
		first, shiftFirst := &h[lanes[0]%blockLanes], lanes[0]*8
		second, shiftSecond := &unused, uint8(0)
		if len(lanes) > 1 {
			second, shiftSecond = &h[lanes[1]%blockLanes], lanes[1]*8
		}
		for i, bins := range words {
			s := stats[i]
			first[uint8(bins>>(shiftFirst&63))] += s
			second[uint8(bins>>(shiftSecond&63))] += s
		}
	}
}

// split sends the rows of a leaf left where the bin of feature is at most bin, and those without a value where
// missingLeft says. A gain of 0 means no split.
type split struct {
	feature     int
	bin         uint8
	missingLeft bool
	gain        float64
	left        stat
}

// splitter finds the best split of a leaf. Weights are in units of weights.scale.
type splitter struct {
	pinball
	minChild float64
	minGain  float64
	l2       float64
}

// best returns the split of one feature with the highest gain: of equals, the one with the lowest bin, missing values
// right before left. A bin without rows only repeats the split before it.
//
// Where the leaf has no missing values they go with the heavier side. A last cut above all values parts them from the
// missing ones.
func (s *splitter) best(feature int, lane *[256]stat, bins int, total stat) split {
	var found split
	missing := lane[missingBin]
	parent := s.score(total, s.l2)
	found.gain = max(s.minGain, 1e-12*total.weight()) // below is rounding
	try := func(bin int, left stat, missingLeft bool) {
		right := total - left
		if left.weight() < s.minChild || right.weight() < s.minChild {
			return
		}
		if gain := s.score(left, s.l2) + s.score(right, s.l2) - parent; gain > found.gain {
			found = split{feature: feature, bin: uint8(bin), missingLeft: missingLeft, gain: gain, left: left}
		}
	}
	var below stat
	for bin, sum := range lane[:bins] {
		if sum == 0 {
			continue
		}
		below += sum
		switch {
		case missing == 0:
			try(bin, below, below.weight()*2 >= total.weight())
		default:
			try(bin, below, false)
			try(bin, below+missing, true)
		}
	}
	if found.left == 0 {
		return split{}
	}
	return found
}
