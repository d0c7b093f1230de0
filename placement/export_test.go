package placement

import (
	"fmt"
	"reflect"
	"time"

	"github.com/auspex-project/auspex/workload"
)

// CompareShape reports where the answer from what is known of w's shape differs
// from that of a scan of the same state, and whether anything was known.
func (s *Service) CompareShape(w *workload.Workload, most int) (known bool, err error) {
	q, err := newQuery(s.ledger.latest(), w, w.Class, s.forecast(w, time.Now()), time.Now())
	if err != nil {
		return false, err
	}
	sh := s.shapes.find(q)
	if sh == nil {
		return false, nil
	}
	_, state, fromShape, ok := sh.search(s.engine, q, s.ledger.latest, most)
	if !ok {
		return true, fmt.Errorf("the state changed beside the test")
	}
	p := s.engine.prepare(q)
	if scanned := p.scan(state, most, true); !reflect.DeepEqual(fromShape, scanned) {
		return true, fmt.Errorf("%+v, scanned %+v", fromShape, scanned)
	}
	return true, nil
}

// Shapes returns how many shapes are kept.
func (s *Service) Shapes() int {
	s.shapes.mu.Lock()
	defer s.shapes.mu.Unlock()
	return s.shapes.mu.recent.Len()
}

const MaxShapes = maxShapes
