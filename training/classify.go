package training

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/models/registry"
)

// ClassificationReport says what became of the classifier of workloads without
// a class.
type ClassificationReport struct {
	Verdict  Verdict             `json:"verdict"`
	Why      string              `json:"why"`
	Champion string              `json:"champion"` // id of what serves now, "" for none
	Seconds  float64             `json:"seconds"`
	Judged   classify.Evaluation `json:"judged"`
}

// learnClasses fits a classifier to the labelled workloads that were read, to be
// put in service where it beats its baselines. One that does not takes what
// served before out of service: it was judged by the same apps. Where too little
// is labelled to judge by, what served goes on.
func (n *night) learnClasses(ctx context.Context) error {
	if done := n.checkpoint.Classification; done != nil {
		n.report.Classification = *done
		return nil
	}
	started := time.Now()
	n.OnProgress(Progress{"fit classifier", 0, 1})
	c, judged, err := n.classes.Fit(ctx)
	if err != nil {
		return err
	}
	champions, err := n.registry.Champions()
	if err != nil {
		return err
	}
	served := champions[registry.ClassifierRole].ID
	r := &n.report.Classification
	r.Judged, r.Champion = judged, served
	r.Verdict, r.Why = classification(judged, served != "")
	switch r.Verdict {
	case Promoted:
		r.Champion, err = n.saveClassifier(c, judged)
	case FellBack:
		r.Champion = ""
	}
	r.Seconds = time.Since(started).Seconds()
	n.OnProgress(Progress{"fit classifier", 1, 1})
	if err != nil {
		return err
	}
	n.checkpoint.Classification = r
	return n.checkpoint.keep()
}

// classification decides by what was judged.
func classification(e classify.Evaluation, served bool) (Verdict, string) {
	switch {
	case e.Why != "" && served:
		return Kept, "nothing to judge by: " + e.Why
	case e.Why != "":
		return FellBack, e.Why
	}
	var why []string
	for _, s := range e.Spaces {
		if s.Used {
			why = append(why, fmt.Sprintf("by %s it answers %.1f %%, of which %.1f %% right", s.Name, 100*s.Answered, 100*s.Neighbours.Answered))
		} else {
			why = append(why, fmt.Sprintf("not by %s, which %s", s.Name, s.Why))
		}
	}
	if !e.Useful() {
		return FellBack, strings.Join(why, "; ")
	}
	return Promoted, strings.Join(why, "; ")
}

func (n *night) saveClassifier(c *classify.Classifier, e classify.Evaluation) (id string, err error) {
	files, err := c.Encode()
	if err != nil {
		return "", err
	}
	metrics := map[string]float64{}
	for _, s := range e.Spaces {
		if s.Used {
			metrics[s.Name+"_accuracy"] = s.Neighbours.Answered
			metrics[s.Name+"_answered"] = s.Answered
		}
	}
	meta, err := n.registry.Save(registry.Meta{Kind: registry.Classifier, From: n.whole.From, To: n.whole.To, Rows: e.Workloads, Metrics: metrics}, files)
	return meta.ID, err
}
