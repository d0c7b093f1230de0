package training

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/trial"
)

func TestVerdict(t *testing.T) {
	sure := func(mean float64) trial.Estimate {
		return trial.Estimate{Mean: mean, Error: .0001, Freedom: 100, Cases: 1000}
	}
	unsure := func(mean float64) trial.Estimate {
		return trial.Estimate{Mean: mean, Error: 1, Freedom: 100, Cases: 1000}
	}
	kept := []trial.Estimate{sure(.05), sure(.02), sure(.01)}
	broken := []trial.Estimate{sure(.05), sure(.07), sure(.01)}
	likely := []trial.Estimate{sure(.05), unsure(.07), sure(.01)}
	challenger := func(cases int, misses []trial.Estimate) *Rating {
		return &Rating{Name: LearnedName, Mean: .01, Cases: cases, misses: misses}
	}
	// The differences are from the challenger's and the champion's loss.
	rival := func(name string, misses []trial.Estimate, toChallenger, toChampion trial.Estimate) Rating {
		return Rating{Name: name, Mean: .01 + toChallenger.Mean, Cases: 1000, misses: misses, toChallenger: toChallenger, toChampion: toChampion}
	}
	champion := func(misses []trial.Estimate, toChallenger trial.Estimate) *Rating {
		r := rival(ChampionName, misses, toChallenger, trial.Estimate{})
		return &r
	}
	vpa, max := rival("vpa", nil, sure(.01), sure(.01)), rival("S-7", nil, sure(.02), sure(.02))
	near := rival(PercentilesName, nil, unsure(.02), unsure(.02))
	better := rival("S-7", nil, sure(-.01), sure(-.01))
	for _, c := range []struct {
		name string
		b    ballot
		want Verdict
		says string
	}{
		{"better than all", ballot{challenger(1000, kept), champion(kept, sure(.005)), []Rating{max, vpa}}, Shadowed, "50.0 % under vpa"},
		{"the first", ballot{challenger(1000, kept), nil, []Rating{vpa, max}}, Promoted, "under vpa"},
		{"perhaps better than the champion", ballot{challenger(1000, kept), champion(kept, unsure(.005)), []Rating{vpa}}, Kept, "not shown to be beaten"},
		{"the champion is broken", ballot{challenger(1000, kept), champion(broken, unsure(.005)), []Rating{vpa}}, Promoted, "of the champion before, its 98 % quantile"},
		{"the champion may be broken by chance", ballot{challenger(1000, kept), champion(likely, unsure(.005)), []Rating{vpa}}, Kept, "not shown to be beaten"},
		{"perhaps no better than a baseline", ballot{challenger(1000, kept), nil, []Rating{vpa, near}}, FellBack, "not a standard error under percentiles"},
		{"likely better than a baseline", ballot{challenger(1000, kept), nil, []Rating{vpa, rival(PercentilesName, nil, trial.Estimate{Mean: .02, Error: .015, Freedom: 9}, sure(0))}}, Promoted, "under vpa"},
		{"nothing can be told", ballot{challenger(1000, kept), nil, []Rating{rival(PercentilesName, nil, trial.Estimate{Mean: .02, Error: math.Inf(1)}, sure(0))}}, FellBack, "not a standard error under percentiles"},
		{"a baseline does better", ballot{challenger(1000, kept), nil, []Rating{vpa, rival("S-7", nil, unsure(-.001), sure(0))}}, FellBack, "not under S-7"},
		{"perhaps no better than a baseline that never serves", ballot{challenger(1000, kept), nil, []Rating{vpa, rival("S-7", nil, unsure(.001), sure(0))}}, Promoted, "under S-7"},
		{"a baseline beats both", ballot{challenger(1000, kept), champion(kept, sure(.005)), []Rating{vpa, better}}, FellBack, "beaten by S-7"},
		{"perhaps a baseline beats the champion", ballot{challenger(1000, kept), champion(kept, sure(.005)), []Rating{vpa, near}}, Kept, "not a standard error under percentiles"},
		{"a promise not kept", ballot{challenger(1000, broken), nil, []Rating{vpa}}, FellBack, "98 % quantile held in 93.0 %"},
		{"a promise nobody keeps", ballot{challenger(1000, broken), nil, []Rating{vpa, rival(PercentilesName, broken, sure(.02), sure(0))}}, Promoted, "under vpa"},
		{"a promise perhaps not kept", ballot{challenger(1000, likely), nil, []Rating{vpa}}, Promoted, "under vpa"},
		{"too few cases", ballot{challenger(50, kept), nil, []Rating{vpa}}, FellBack, "only 50 cases"},
		{"too few cases to replace a champion", ballot{challenger(50, kept), champion(kept, sure(.005)), []Rating{vpa}}, Kept, "only 50 cases"},
		{"nothing fitted", ballot{nil, nil, []Rating{vpa}}, FellBack, "too few rows"},
		{"nothing fitted to replace a champion", ballot{nil, champion(kept, trial.Estimate{}), []Rating{vpa}}, Kept, "too few rows"},
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
		trust, shift := tuned(level, own, learned, targets, slices.Repeat([]float32{1}, n))
		loss := func(trust, shift float32) (sum float64, held int) {
			for i, y := range targets {
				q := min(max(own[i]+trust*(learned[i]-own[i])+shift, 0), 1)
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
