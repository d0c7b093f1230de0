package models

import (
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Killed is a custom resource by which a source may say that a workload was killed
// for want of memory: how often in a sample's interval. Without it a kill is seen
// by memory at its limit, which is all that most sources measure.
const Killed resource.Name = "oom"

// kills reports whether a workload that needs more of n than it may have is
// killed, rather than slowed down.
func kills(n resource.Name) bool { return n == resource.Memory || n == resource.GPUMemory }

// floor is what a workload must be expected to need at any time, whatever it uses
// at what hour: it ran into its limit, so it needs more than was seen. It is set by
// usage alone, never by an earlier floor, and fades, so it cannot run away.
type floor struct {
	value float64
	at    time.Time
}

// The need after a kill is taken to be what the Kubernetes VPA recommender takes
// it for: a fifth more than was used, or 100 MiB. It fades like Autopilot's memory
// histogram (Rzadca et al., EuroSys'20).
const (
	killBump     = 1.2
	killBumpLess = 100 << 20
	floorHalf    = 48 * time.Hour
)

// raise notes that used was not enough at t.
func (f *floor) raise(t time.Time, used float64) {
	if need := max(killBump*used, used+killBumpLess); need >= f.left(t) {
		f.value, f.at = need, t
	}
}

// Floor returns what s must be expected to need of n at any time since it was
// killed, 0 for none.
func Floor(s *Subject, n resource.Name, now time.Time) float64 {
	if u := s.usage(n); u != nil {
		return u.floorAt(now)
	}
	return 0
}

func (f *floor) left(now time.Time) float64 { return f.value * halved(now.Sub(f.at), floorHalf) }

// floorAt returns the need that is left at now, at most the limit; 0 for none.
func (u *Usage) floorAt(now time.Time) float64 { return u.capped(u.floor.left(now)) }
