package serving

import (
	"fmt"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Classify returns the class of w: its own, that of its history, what the
// classifier tells from its requests, or the fallback, in this order.
func (t *Table) Classify(w *workload.Workload) workload.Class {
	if w.Class != "" {
		return w.Class
	}
	p := t.current.Load()
	if e, ok := p.entries[w.ID]; ok && e.class != "" {
		return e.class
	}
	if class := p.told(w); class != "" {
		return class
	}
	return t.o.Fallback
}

// told returns what the classifier tells of w by its requests, "" when it cannot.
// Workloads that ask for the same get the same answer, which is remembered: a vote
// takes longer than a Place has.
func (p *page) told(w *workload.Workload) workload.Class {
	if p.classifier == nil {
		return ""
	}
	s := asked(w)
	key := [...]float64{s.Limit(resource.CPU), s.Limit(resource.Memory), s.Limit(resource.GPU)}
	if cached, ok := p.classes.Load(key); ok {
		return cached.(workload.Class)
	}
	class, ok := p.classifier.Classify(&s)
	if !ok {
		class = ""
	}
	if p.classCount.Add(1) <= maxClasses {
		p.classes.Store(key, class)
	}
	return class
}

// maxClasses bounds the answers that are remembered. Past it they are computed
// each time.
const maxClasses = 10_000

// asked is w as a history would show it on its first day: its devices among its
// limits.
func asked(w *workload.Workload) models.Subject {
	s := models.Describe(w, nil)
	a := w.Accelerator
	if a.Devices > 0 && !s.Limits.Has(resource.GPU) {
		s.Limits = s.Limits.With(resource.GPU, float64(a.Devices)*a.PerDevice())
	}
	return s
}

// classifier is the champion that tells classes, read once.
type classifier struct {
	id       string
	champion *classify.Classifier // nil while there is none
}

// take makes the artefact of this id the champion. One that cannot be used
// leaves none.
func (c *classifier) take(r *registry.Registry, id string) error {
	if id == c.id && (id == "" || c.champion != nil) {
		return nil
	}
	*c = classifier{id: id}
	if id == "" {
		return nil
	}
	m, files, err := r.Load(id)
	switch {
	case err != nil:
		return fmt.Errorf("champion of %s falls back: %w", registry.ClassifierRole, err)
	case m.Kind != registry.Classifier:
		return fmt.Errorf("champion of %s falls back: artefact %s: %w: a %s artefact", registry.ClassifierRole, id, registry.ErrCorrupt, m.Kind)
	}
	if c.champion, err = classify.Decode(files); err != nil {
		return fmt.Errorf("champion of %s falls back: artefact %s: %w", registry.ClassifierRole, id, err)
	}
	return nil
}
