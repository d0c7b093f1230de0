package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Phase is how far a decision has come.
type Phase string

const (
	Reserved  Phase = "reserved"  // counts on its node, waits for Confirm
	Confirmed Phase = "confirmed" // the workload has started
	Released  Phase = "released"  // given back
	Expired   Phase = "expired"   // not confirmed in time
	Denied    Phase = "denied"    // no node, or no share
	DryRun    Phase = "dry_run"   // never reserved
)

// Decision is the answer to a Request. "Nothing fits" is a Decision without a
// node. It is immutable: its slices are shared with every other reader.
type Decision struct {
	ID        string
	RequestID string
	Principal string
	Decided   time.Time
	Phase     Phase // when it was returned

	Gang string // the decision on the gang it is a member of; "" for one of its own

	Workload *workload.Workload
	Class    workload.Class // given or found
	Forecast *forecast.Forecast

	Node    string    // "" when nothing fits
	Devices []int     // indices of its devices, for accelerator needs
	Expires time.Time // when the reservation ends unless confirmed; zero without one

	Score        float64               // sum of the points of Scores, 0 to 100
	Scores       []placement.ScoreLine // one per scorer, in the engine's order, zeros too
	Alternatives []placement.Candidate // the next best, best first

	// Rejections has one line per rule in the engine's order, zeros too. A node is
	// counted by the first rule that turned it away.
	Rejections []placement.Rejection
	Considered int // nodes looked at: the sum of the two below and of Rejections
	Feasible   int // nodes that passed every rule

	// Outranked nodes were not asked by every rule since they could not have been
	// among the best. It is 0 for dry runs, on fleets of up to 1,024 nodes, and where
	// nothing fits.
	Outranked int

	Preemption *placement.Preemption // what would make room, where nothing fits; nil when nothing is known to

	Denial []allocator.Reason // why the queue may not have it; empty when it may
	Reason string             // one sentence a person can read
}

// Rejected returns the rejections that turned nodes away, most nodes first.
func (d *Decision) Rejected() []placement.Rejection {
	some := slices.DeleteFunc(slices.Clone(d.Rejections), func(r placement.Rejection) bool { return r.Nodes == 0 })
	slices.SortStableFunc(some, func(a, b placement.Rejection) int { return cmp.Compare(b.Nodes, a.Nodes) })
	return some
}

// Explanation is all there is to say about a past decision.
type Explanation struct {
	Decision   Decision
	Phase      Phase // by now
	Difference []placement.ScoreDifference
	Formula    string
	Verdict    *Verdict // the asked node's fate; nil when none was asked for

	Gang    *GangDecision // what the decision was, in place of a workload's; nil for one of its own
	Members []Phase       // of the gang's members, by now
}

// Verdict answers "why not there?", judged on the fleet as it is now.
type Verdict struct {
	Node       string
	Feasible   bool
	Rejections []placement.Rejection // every rule the node breaks, not only the first
	Score      float64               // were it feasible
	Scores     []placement.ScoreLine
	Changes    []string         // the smallest that would make it feasible, one line each
	Rival      *placement.Rival // the chosen node beside it; nil for that itself, for one not feasible, or when none was chosen
}
