package classify

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/workload"
)

// Confidence is the share of neighbours that must agree.
const Confidence = .6

// Classifier tells classes. It is immutable and safe for concurrent use; it
// reads the subject's history, so its owner must not add to it meanwhile. A nil
// Classifier can never tell.
type Classifier struct {
	classes  []workload.Class // by label
	usage    *Space           // nil where it is of no use
	requests *Space           // nil where it is of no use
}

// Classify returns the class of s; ok is false when it cannot tell. It does no
// I/O.
func (c *Classifier) Classify(s *models.Subject) (class workload.Class, ok bool) {
	class, confidence := c.Vote(s)
	return class, confidence >= Confidence
}

// Vote returns the class that most of the neighbours of s have, and the share of
// them that have it: of its neighbours by usage where it has a history, else by
// requests. The share is 0 when there is nothing to go by, or when that class
// has turned out to be guesswork.
func (c *Classifier) Vote(s *models.Subject) (class workload.Class, confidence float64) {
	if c == nil {
		return "", 0
	}
	space, point := c.locate(s)
	if space == nil {
		return "", 0
	}
	b, err := space.Vote(point, votes)
	if err != nil || !space.trusted[b.Label] { // golearn broke: as good as not knowing
		return "", 0
	}
	return c.classes[b.Label], b.Share
}

// locate returns the space s is judged in, nil for none, and its place there.
func (c *Classifier) locate(s *models.Subject) (*Space, []float64) {
	if p, seen := usagePoint(s, endOfTime); seen && c.usage != nil {
		return c.usage, p
	}
	if p, said := requestPoint(s); said && c.requests != nil {
		return c.requests, p
	}
	return nil, nil
}

// endOfTime is after any sample.
var endOfTime = time.Unix(math.MaxInt32<<8, 0)
