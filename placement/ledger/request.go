package ledger

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/workload"
)

// Request asks for a place for one workload.
type Request struct {
	// ID is chosen by the caller, unique per decision; a retry repeats it and gets
	// the first answer again.
	ID string

	// Workload is shared with the decision: nobody may change it afterwards.
	Workload *workload.Workload

	Alternatives int           // how many runners-up to report
	Brief        bool          // leave out of the answer scores, alternatives and rejections, which Explain tells, and advice on preemption
	DryRun       bool          // decide and explain, reserve nothing
	ReserveFor   time.Duration // how long to wait for Confirm; 0 = Settings.ReservationTTL
	Principal    string        // who asks; recorded with the decision
}

const maxAlternatives = 100

// Validate reports the first rule that r breaks.
func (r *Request) Validate() error {
	switch {
	case r.ID == "":
		return fmt.Errorf("request: id is empty")
	case r.Workload == nil:
		return fmt.Errorf("request %s: no workload", r.ID)
	case r.Alternatives < 0 || r.Alternatives > maxAlternatives:
		return fmt.Errorf("request %s: %d alternatives (want 0 to %d)", r.ID, r.Alternatives, maxAlternatives)
	case r.ReserveFor < 0:
		return fmt.Errorf("request %s: reservation of %v is negative", r.ID, r.ReserveFor)
	}
	return r.Workload.Validate()
}
