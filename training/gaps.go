package training

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// gaps says, for people, what the history lacks: its end, days in it, or a resource
// that everything uses. None of it keeps a night from learning what there is.
func (n *night) gaps() (said []string) {
	const day = "2006-01-02 15:04"
	switch behind := n.report.Started.Sub(n.whole.To); {
	case behind > dayLength:
		said = append(said, fmt.Sprintf("the newest sample is of %s, %s before this night: nothing was measured since (is it a recorded trace? else look whether samples still arrive: auspex doctor)", n.whole.To.Format(day), inDays(behind)))
	case -behind > 2*n.Grid.Slot:
		said = append(said, fmt.Sprintf("the newest sample is of %s, %v ahead of the clock here: one of the clocks is wrong", n.whole.To.Format(day), (-behind).Round(time.Minute)))
	}
	if !n.anyMeasured() {
		return said
	}
	for _, e := range n.evidence {
		if basic := e.resource == resource.CPU || e.resource == resource.Memory; basic && !e.measured() {
			said = append(said, fmt.Sprintf("nothing was measured of %s: no forecast of it is learned", e.resource))
		}
	}
	slot := n.Grid.Slot
	seen := make([]bool, n.whole.Duration()/slot)
	for _, e := range n.evidence {
		perSlot := max(e.panel.StepsIn(slot), 1)
		for _, t := range e.panel.Tracks {
			for i := t.First(); i < t.End(); i++ {
				if k := i / perSlot; k < len(seen) && !seen[k] {
					v := t.At(i)
					seen[k] = v == v
				}
			}
		}
	}
	began := false // before the judged workloads did nothing is missing
	for k, from := 0, 0; k <= len(seen); k++ {
		if k < len(seen) && !seen[k] {
			continue
		}
		if missing := time.Duration(k-from) * slot; began && missing >= dayLength && k < len(seen) {
			said = append(said, fmt.Sprintf("nothing was measured from %s to %s (%s): it is learned around", n.whole.From.Add(time.Duration(from)*slot).Format(day), n.whole.From.Add(time.Duration(k)*slot).Format(day), inDays(missing)))
		}
		began, from = true, k+1
	}
	return said
}

func (n *night) anyMeasured() bool {
	return slices.ContainsFunc(n.evidence, (*evidence).measured)
}

// inDays writes d, to the tenth of a day, as people would.
func inDays(d time.Duration) string {
	days := strconv.FormatFloat(math.Round(10*d.Hours()/24)/10, 'f', -1, 64)
	if days == "1" {
		return "1 day"
	}
	return days + " days"
}
