package training

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
)

func TestVerdict(t *testing.T) {
	rating := func(name string, mean float64) *Rating {
		return &Rating{Name: name, Mean: mean, Cases: 1000, Coverage: map[string]float64{"0.95": .95, "0.98": .98, "0.99": .99}}
	}
	broken := rating("learned", .01)
	broken.Coverage["0.98"] = .93
	few := rating("learned", .01)
	few.Cases = 50
	baseline := rating("vpa", .02)
	for _, c := range []struct {
		name string
		b    ballot
		want Verdict
		says string
	}{
		{"better than all", ballot{rating("learned", .01), rating("champion", .015), baseline}, Promoted, "50.0 % under vpa"},
		{"the first", ballot{rating("learned", .01), nil, baseline}, Promoted, "under vpa"},
		{"no better than the champion", ballot{rating("learned", .0099), rating("champion", .0099), baseline}, Kept, "not beaten"},
		{"worse than a baseline", ballot{rating("learned", .03), nil, baseline}, FellBack, "does not beat vpa"},
		{"both worse than a baseline", ballot{rating("learned", .03), rating("champion", .025), baseline}, FellBack, "does not beat vpa"},
		{"a promise not kept", ballot{broken, nil, baseline}, FellBack, "0.98 quantile holds in only 93.0 %"},
		{"too few cases", ballot{few, nil, baseline}, FellBack, "only 50 cases"},
		{"too few cases to replace a champion", ballot{few, rating("champion", .9), baseline}, Kept, "only 50 cases"},
		{"nothing fitted", ballot{nil, nil, baseline}, FellBack, "too few rows"},
		{"nothing fitted to replace a champion", ballot{nil, rating("champion", .9), baseline}, Kept, "too few rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict, why := c.b.verdict()
			if verdict != c.want || !strings.Contains(why, c.says) {
				t.Errorf("%s because %q, want %s because of %q", verdict, why, c.want, c.says)
			}
		})
	}
}

// Tuning never leaves the calibration window worse off than the own quantiles
// would be, and the level holds there.
func TestTunedIsNoWorseThanOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(100, 200).Draw(t, "rows")
		share := rapid.Float32Range(0, 1)
		var own, learned, targets []float32
		for range n {
			own, learned, targets = append(own, share.Draw(t, "own")), append(learned, share.Draw(t, "learned")), append(targets, share.Draw(t, "target"))
		}
		const level = .9
		trust, shift := tuned(level, own, learned, targets)
		loss := func(trust, shift float32) (sum float64, held int) {
			for i, y := range targets {
				q := own[i] + trust*(learned[i]-own[i]) + shift
				sum += backtest.Pinball(level, float64(q), float64(y))
				if y <= q+1e-5 {
					held++
				}
			}
			return sum, held
		}
		scores := make([]float32, n)
		for i := range scores {
			scores[i] = targets[i] - own[i]
		}
		ownShift, _ := models.ConformalQuantile(scores, level)
		got, held := loss(trust, shift)
		if want, _ := loss(0, ownShift); got > want+1e-4 {
			t.Fatalf("trust %g loses %g, the own quantiles %g", trust, got, want)
		}
		if float64(held) < level*float64(n) {
			t.Fatalf("the level holds in %d of %d", held, n)
		}
	})
}
