package classify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/auspex-project/auspex/workload"
)

// Fit learns from what was added. The classifier uses the spaces that the
// evaluation found useful: if neither is, it can never tell. The error is that
// of ctx, or of a library that broke; too little to learn from is none, and the
// evaluation says why.
func (b *Sampler) Fit(ctx context.Context) (*Classifier, Evaluation, error) {
	examples := b.examples()
	apps, why := enough(examples)
	classes := slices.Sorted(maps.Keys(b.classes))
	e := Evaluation{Workloads: len(examples), Apps: apps, Classes: classes, Confidence: Confidence, Neighbours: votes}
	if why != "" {
		e.Why = why
		return &Classifier{}, e, nil
	}
	c := &Classifier{classes: classes}
	for _, k := range []struct {
		name    string
		columns []string
		points  func(example) [][]float64
		space   **Space
	}{
		{"usage", usageColumns(), func(e example) [][]float64 { return e.usage }, &c.usage},
		{"requests", requestColumns(), func(e example) [][]float64 { return e.asked() }, &c.requests},
	} {
		cases := casesOf(examples, classes, k.points)
		score, trusted, err := evaluate(ctx, k.name, k.columns, cases, classes)
		if err != nil {
			return nil, e, fmt.Errorf("fit classifier: %s: %w", k.name, err)
		}
		e.Spaces = append(e.Spaces, score)
		if !score.Used {
			continue
		}
		s, err := spaceOf(k.columns, cases)
		if err != nil {
			return nil, e, fmt.Errorf("fit classifier: %s: %w", k.name, err)
		}
		s.trusted = trusted
		*k.space = s
	}
	return c, e, nil
}

func (e example) asked() [][]float64 {
	if e.requests == nil {
		return nil
	}
	return [][]float64{e.requests}
}

// enough counts apps, and says why there are too few. To be judged by apps it
// has not seen, a class needs two.
func enough(examples []example) (apps int, why string) {
	byClass := map[workload.Class]map[string]bool{}
	all := map[string]bool{}
	for _, e := range examples {
		if byClass[e.class] == nil {
			byClass[e.class] = map[string]bool{}
		}
		byClass[e.class][e.app] = true
		all[e.app] = true
	}
	sound := 0
	for _, apps := range byClass {
		if len(apps) >= 2 {
			sound++
		}
	}
	switch {
	case len(byClass) < 2:
		why = fmt.Sprintf("labelled workloads of %d classes (want at least 2)", len(byClass))
	case sound < 2:
		why = fmt.Sprintf("%d classes with two labelled apps or more (want at least 2)", sound)
	}
	return len(all), why
}

// labelled is one point of a workload whose class is known.
type labelled struct {
	app   string
	label int
	point []float64
}

func casesOf(examples []example, classes []workload.Class, points func(example) [][]float64) []labelled {
	label := map[workload.Class]int{}
	for i, c := range classes {
		label[c] = i
	}
	var cases []labelled
	for _, e := range examples {
		for _, p := range points(e) {
			cases = append(cases, labelled{e.app, label[e.class], p})
		}
	}
	return cases
}

func spaceOf(columns []string, cases []labelled) (*Space, error) {
	points, labels := make([][]float64, len(cases)), make([]int, len(cases))
	for i, c := range cases {
		points[i], labels[i] = c.point, c.label
	}
	return NewSpace(columns, points, labels)
}
