package rival

import (
	"hash/fnv"
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// Random takes any node that fits. What it draws is decided by the workload's label
// DrawLabel, since requests that differ in their id alone are answered alike.
type Random struct{}

// DrawLabel is the label by which Random draws.
const DrawLabel = "auspex.dev/draw"

var _ placement.Scorer = Random{}

func (Random) Name() string           { return "random" }
func (Random) Unit() string           { return "drawn" }
func (Random) DefaultWeight() float64 { return 1 }

func (Random) Prepare(q *placement.Query) placement.Measure {
	h := fnv.New64a()
	h.Write([]byte(q.Workload.Labels[DrawLabel]))
	return &random{seed: h.Sum64()}
}

type random struct{ seed uint64 }

func (m *random) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	for c := candidates; c != 0; c &= c - 1 {
		i := bits.TrailingZeros64(c) & (placement.BlockSize - 1)
		x := (b.Rank[i] ^ m.seed) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>29) * 0x94d049bb133111eb
		raw[i] = float32((x^x>>32)>>40) / (1 << 24)
		value[i] = 100 * raw[i]
	}
}
