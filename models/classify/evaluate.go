package classify

import (
	"context"
	"fmt"
	"math"

	"github.com/sjwhitworth/golearn/evaluation"

	"github.com/auspex-project/auspex/workload"
)

// Evaluation says what a classifier was learned from and how good it is. All
// scores are of apps that were held out: a fifth of the apps at a time is judged
// by what was learned from the rest. Which classes are told is decided by the
// same scores, so that precision is a little flattered.
type Evaluation struct {
	Workloads  int              `json:"workloads"` // labelled ones that were kept
	Apps       int              `json:"apps"`      // of these
	Classes    []workload.Class `json:"classes"`
	Neighbours int              `json:"neighbours"`
	Confidence float64          `json:"confidence"` // from which a class is told

	// Why says why there was nothing to judge, "" when there was.
	Why    string       `json:"why,omitempty"`
	Spaces []SpaceScore `json:"spaces,omitempty"`
}

// Useful reports whether any space is used.
func (e *Evaluation) Useful() bool {
	for _, s := range e.Spaces {
		if s.Used {
			return true
		}
	}
	return false
}

// SpaceScore is how good one space is: "usage" (and requests), or "requests"
// alone.
type SpaceScore struct {
	Name string `json:"name"`
	Used bool   `json:"used"`
	Why  string `json:"why"`

	Cases    int     `json:"cases"`
	Answered float64 `json:"answered"` // share of the cases with enough confidence

	Neighbours Accuracy `json:"neighbours"`
	Majority   Accuracy `json:"majority"` // always the largest class
	Centroid   Accuracy `json:"centroid"` // the class with the nearest mean

	Classes []ClassScore `json:"classes"`

	// Confusion counts the cases by true class, then by the class told; "" is not
	// told.
	Confusion map[workload.Class]map[workload.Class]int `json:"confusion"`
}

// Accuracy is the share of cases that are told right: of those that neighbours
// answer with enough confidence, and of all, whatever the confidence.
type Accuracy struct {
	Answered float64 `json:"answered"`
	All      float64 `json:"all"`
}

// ClassScore is about one class at the confidence asked for: what is not told
// counts against recall, not against precision.
type ClassScore struct {
	Class     workload.Class `json:"class"`
	Cases     int            `json:"cases"`
	Told      bool           `json:"told"`      // it is right often enough to be told at all
	Precision float64        `json:"precision"` // 0 when it was never told
	Recall    float64        `json:"recall"`
}

const (
	folds = 5
	// leastCases is the fewest cases that say anything.
	leastCases = 30
	// untold stands for the class of a case that was not answered.
	untold = ""
)

// outcome is what was told of one case that was held out: labels.
type outcome struct {
	truth              int
	neighbours         Ballot
	majority, centroid int
}

// evaluate judges a space on held-out apps. trusted says by label which classes
// it may tell.
func evaluate(ctx context.Context, name string, columns []string, cases []labelled, classes []workload.Class) (s SpaceScore, trusted []bool, err error) {
	s = SpaceScore{Name: name, Cases: len(cases)}
	if len(cases) < leastCases {
		s.Why = fmt.Sprintf("%d cases (want at least %d)", len(cases), leastCases)
		return s, nil, nil
	}
	var outcomes []outcome
	fold := foldsOf(cases)
	for f := range folds {
		if err := ctx.Err(); err != nil {
			return s, nil, err
		}
		var learned, held []labelled
		for _, c := range cases {
			if fold[c.app] == f {
				held = append(held, c)
			} else {
				learned = append(learned, c)
			}
		}
		if len(held) == 0 || len(learned) < votes {
			continue
		}
		space, err := spaceOf(columns, learned)
		if err != nil {
			return s, nil, err
		}
		plain := NewBaselines(space, len(classes))
		for _, c := range held {
			b, err := space.Vote(c.point, votes)
			if err != nil {
				return s, nil, err
			}
			outcomes = append(outcomes, outcome{c.label, b, plain.Majority, plain.NearestCentroid(c.point)})
		}
	}
	trusted = trust(outcomes, len(classes))
	s.score(outcomes, trusted, classes)
	return s, trusted, nil
}

// trust returns by label whether a class is right, where it is told with enough
// confidence, as often as that confidence says. A class whose neighbours agree
// on what is wrong is not told.
func trust(outcomes []outcome, classes int) []bool {
	told, right := make([]int, classes), make([]int, classes)
	for _, o := range outcomes {
		if b := o.neighbours; b.Share >= Confidence {
			told[b.Label]++
			if b.Label == o.truth {
				right[b.Label]++
			}
		}
	}
	trusted := make([]bool, classes)
	for label := range trusted {
		trusted[label] = told[label] > 0 && float64(right[label]) >= Confidence*float64(told[label])
	}
	return trusted
}

// foldsOf deals the apps to folds, class by class, so that every class is in as
// many of them as it can.
func foldsOf(cases []labelled) map[string]int {
	fold := map[string]int{}
	for _, c := range cases { // which come class by class
		if _, dealt := fold[c.app]; !dealt {
			fold[c.app] = len(fold) % folds
		}
	}
	return fold
}

// confusions counts cases as golearn has them: true class, class told, number.
type confusions struct {
	all, answered evaluation.ConfusionMatrix
}

func newConfusions() confusions {
	return confusions{evaluation.ConfusionMatrix{}, evaluation.ConfusionMatrix{}}
}

func (c confusions) add(truth, told workload.Class, answered bool) {
	count(c.all, truth, told)
	if answered {
		count(c.answered, truth, told)
	}
}

func count(m evaluation.ConfusionMatrix, truth, told workload.Class) {
	if m[string(truth)] == nil {
		m[string(truth)] = map[string]int{}
	}
	m[string(truth)][string(told)]++
}

func (c confusions) accuracy() Accuracy {
	return Accuracy{orZero(evaluation.GetAccuracy(c.answered)), orZero(evaluation.GetAccuracy(c.all))}
}

// score sums up outcomes; what is not trusted counts as not answered.
func (s *SpaceScore) score(outcomes []outcome, trusted []bool, classes []workload.Class) {
	neighbours, majority, centroid := newConfusions(), newConfusions(), newConfusions()
	told := evaluation.ConfusionMatrix{}
	answers := 0
	for _, o := range outcomes {
		b := o.neighbours
		answered := b.Share >= Confidence && trusted[b.Label]
		truth := classes[o.truth]
		neighbours.add(truth, classes[b.Label], answered)
		majority.add(truth, classes[o.majority], answered)
		centroid.add(truth, classes[o.centroid], answered)
		if answered {
			answers++
			count(told, truth, classes[b.Label])
		} else {
			count(told, truth, untold)
		}
	}
	s.Cases = len(outcomes)
	s.Answered = orZero(float64(answers) / float64(len(outcomes)))
	s.Neighbours, s.Majority, s.Centroid = neighbours.accuracy(), majority.accuracy(), centroid.accuracy()
	s.Confusion = map[workload.Class]map[workload.Class]int{}
	for label, class := range classes {
		row := map[workload.Class]int{}
		cases := 0
		for as, n := range told[string(class)] {
			row[workload.Class(as)] = n
			cases += n
		}
		s.Confusion[class] = row
		s.Classes = append(s.Classes, ClassScore{
			Class: class, Cases: cases, Told: trusted[label],
			Precision: orZero(evaluation.GetPrecision(string(class), told)),
			Recall:    orZero(evaluation.GetRecall(string(class), told)),
		})
	}
	s.Used, s.Why = s.verdict()
}

// verdict holds neighbours against both baselines on the cases they would
// answer: no other is ever told.
func (s *SpaceScore) verdict() (used bool, why string) {
	n := s.Neighbours
	figures := fmt.Sprintf("right in %.1f %% of the answered cases and %.1f %% of all; the largest class %.1f and %.1f %%, the nearest centroid %.1f and %.1f %%",
		100*n.Answered, 100*n.All, 100*s.Majority.Answered, 100*s.Majority.All, 100*s.Centroid.Answered, 100*s.Centroid.All)
	if answered := int(math.Round(s.Answered * float64(s.Cases))); answered < leastCases {
		return false, fmt.Sprintf("answers %d cases (want at least %d)", answered, leastCases)
	}
	for _, b := range []struct {
		name string
		Accuracy
	}{{"the largest class", s.Majority}, {"the nearest centroid", s.Centroid}} {
		if !beats(n.Answered, b.Answered) {
			return false, "does not beat " + b.name + ": " + figures
		}
	}
	return true, figures
}

// beats compares accuracies; who is always right cannot be beaten.
func beats(a, b float64) bool { return a > b || a == 1 }

// orZero takes 0/0, which golearn leaves undefined, for 0.
func orZero(x float64) float64 {
	if x != x {
		return 0
	}
	return x
}
