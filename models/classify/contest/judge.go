package contest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sjwhitworth/golearn/evaluation"

	"github.com/auspex-project/auspex/models/classify"
)

// Options say how a question is tried. The zero value of each is its default.
type Options struct {
	TestShare float64 // of the cases, the last ones; 0 is .3
	Seed      uint64
}

// choiceShare is the share of the cases before the test that decide who is
// chosen.
const choiceShare = .2

// leastCases is the fewest cases that are learned from, or judged.
const leastCases = 50

// TooFewError says that a question has too few cases to be judged.
type TooFewError struct {
	Question string
	Cases    int
}

func (e TooFewError) Error() string {
	return fmt.Sprintf("%s: %d cases, of which %d must be known to learn from, and %d each must be left to choose by and to judge",
		e.Question, e.Cases, leastCases, leastCases)
}

// Judge tries every contestant on the last cases of a question. The error is a
// TooFewError, that of ctx, or of a library that broke.
func Judge(ctx context.Context, q *Question, o Options) (*Verdict, error) {
	if o.TestShare == 0 {
		o.TestShare = .3
	}
	cases := slices.Clone(q.Cases)
	slices.SortStableFunc(cases, func(a, b Case) int { return a.Asked.Compare(b.Asked) })
	test := len(cases) - int(o.TestShare*float64(len(cases)))
	choice := test - int(choiceShare*float64(test))
	if choice < leastCases || test-choice < leastCases || len(cases)-test < leastCases || len(knownBy(cases, cases[choice].Asked)) < leastCases {
		return nil, TooFewError{q.Name, len(cases)}
	}

	v := &Verdict{
		Question: q.Name, Classes: q.Buckets.Names, Confidence: classify.Confidence, Dropped: q.Dropped,
		From: cases[0].Asked, TestFrom: cases[test].Asked, To: cases[len(cases)-1].Asked, Before: test, Tested: len(cases) - test,
	}
	best := -1.
	for _, c := range contestants(q) {
		// 1. How good it was before the test decides whether it is chosen.
		before, err := judge(ctx, q, c, cases[:test], choice, nil, o.Seed)
		if err != nil {
			return nil, err
		}
		if before.Accuracy > best {
			best, v.Chosen = before.Accuracy, c.name
		}
		// 2. Then it is judged. A class it was sure of and too often wrong is told
		// without sureness from then on.
		score, err := judge(ctx, q, c, cases, test, before.distrusted(), o.Seed)
		if err != nil {
			return nil, err
		}
		score.Before = before.Accuracy
		v.Contestants = append(v.Contestants, score)
	}
	return v, nil
}

// turns is how often a contestant learns anew while it is judged, on as many
// cases each time: a system in use would learn every night.
const turns = 10

// judge lets one contestant tell the cases from at on, in the order they are
// asked; each turn it learns from all cases whose answer is known by then. It is
// never sure of a distrusted class.
func judge(ctx context.Context, q *Question, c contestant, cases []Case, at int, distrusted map[string]bool, seed uint64) (s Score, err error) {
	t := newTally()
	asked := cases[at:]
	var fit, tell time.Duration
	for turn := range slices.Chunk(asked, (len(asked)+turns-1)/turns) {
		started := time.Now()
		teller, err := c.fit(ctx, q, knownBy(cases, turn[0].Asked), seed)
		if err != nil {
			return s, fmt.Errorf("%s: %s: %w", q.Name, c.name, err)
		}
		fit += time.Since(started)

		started = time.Now()
		for i := range turn {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			label, confidence, err := teller(&turn[i])
			if err != nil {
				return s, fmt.Errorf("%s: %s: %w", q.Name, c.name, err)
			}
			told := q.Buckets.Names[label]
			t.add(q.Buckets.Names[turn[i].Truth], told, confidence >= classify.Confidence && !distrusted[told])
		}
		tell += time.Since(started)
	}
	s = t.score(c.name, q.Buckets.Names)
	s.FitSeconds, s.TellMicros = fit.Seconds(), float64(tell.Microseconds())/float64(len(asked))
	return s, nil
}

// knownBy returns the cases whose answer is known at a moment.
func knownBy(cases []Case, at time.Time) (known []Case) {
	for _, c := range cases {
		if !c.Asked.Before(at) {
			break
		}
		if !c.Known.After(at) {
			known = append(known, c)
		}
	}
	return known
}

// tally counts cases as golearn has them: by true class, then by the one told.
type tally struct {
	all, sure evaluation.ConfusionMatrix
	cases     int
	answered  int
}

func newTally() *tally {
	return &tally{all: evaluation.ConfusionMatrix{}, sure: evaluation.ConfusionMatrix{}}
}

func (t *tally) add(truth, told string, sure bool) {
	count(t.all, truth, told)
	t.cases++
	if sure {
		count(t.sure, truth, told)
		t.answered++
	}
}

func count(m evaluation.ConfusionMatrix, truth, told string) {
	if m[truth] == nil {
		m[truth] = map[string]int{}
	}
	m[truth][told]++
}

func (t *tally) score(name string, classes []string) Score {
	s := Score{
		Name: name, Accuracy: orZero(evaluation.GetAccuracy(t.all)), Answered: float64(t.answered) / float64(t.cases),
		AnsweredAccuracy: orZero(evaluation.GetAccuracy(t.sure)), Confusion: t.all,
	}
	for _, class := range classes {
		c := ClassScore{
			Class:     class,
			Precision: orZero(evaluation.GetPrecision(class, t.all)), Recall: orZero(evaluation.GetRecall(class, t.all)),
			SurePrecision: orZero(evaluation.GetPrecision(class, t.sure)),
		}
		for told, n := range t.all[class] {
			c.Cases += n
			if told == class {
				c.SureRecall = float64(t.sure[class][class])
			}
		}
		c.SureRecall = orZero(c.SureRecall / float64(c.Cases))
		s.Classes = append(s.Classes, c)
	}
	return s
}

// orZero takes 0/0, which golearn leaves undefined, for 0.
func orZero(x float64) float64 {
	if x != x {
		return 0
	}
	return x
}
