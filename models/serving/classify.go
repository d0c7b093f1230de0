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
	s := asked(w)
	if class, ok := p.classifier.Classify(&s); ok {
		return class
	}
	return t.o.Fallback
}

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
