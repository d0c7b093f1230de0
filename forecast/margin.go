package forecast

import (
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// anchorFloor keeps a margin from vanishing where profile and peak coincide:
// the distance between them counts as at least this share of the summed limits.
const anchorFloor = .01

// Peak returns the predicted peak of a node's sum in one slot: profile is the
// sum of its members' profiles there, peak the sum of their own peaks, limit the
// sum of their limits (0 when unknown), q the margin. The result moves from
// profile (members multiplex as before) towards peak (all peak at once) as q
// grows, and never passes a known limit:
//
//	min(limit, profile + q (max(peak - profile, 0) + .01 limit))
func Peak(profile, peak, limit, q float32) float32 {
	p := Unlimited(profile, peak, limit, q)
	if limit > 0 {
		return min(p, limit)
	}
	return p
}

// Unlimited is Peak where the limit bounds nothing. It is the larger of two forms
// that are linear in profile, peak and limit, so that of a sum it is at most the sum
// of what it is of the parts.
func Unlimited(profile, peak, limit, q float32) float32 {
	return profile + q*(max(peak-profile, 0)+anchorFloor*limit)
}

// Needed returns the margin with which Peak would have been just actual, what
// the node's sum really came to: the score margins are calibrated on. It is
// negative where the sum of profiles was more than enough, and never infinite.
func Needed(profile, peak, limit, actual float32) float32 {
	const smallest = 1e-9 // of actual or more, where profile, peak and limit say nothing
	return (actual - profile) / max(max(peak-profile, 0)+anchorFloor*limit, smallest*max(actual, profile), smallest)
}

// Margins gives, for a resource, a risk and a number of members, how far a
// node's peak must be moved from the sum of profiles towards the sum of peaks.
// They come from calibration on past node-hours and are immutable.
type Margins struct {
	Bands []Band
}

// Band holds the margins calibrated on nodes of a certain size.
type Band struct {
	Resource   resource.Name
	MaxMembers int     // largest node the band was calibrated for
	Points     []Point // by falling risk

	// Horizon is that of the peaks that were predicted; 0 is the span of the grid.
	Horizon time.Duration `json:",omitempty"`
}

// Point is one calibrated margin: with Q, forecasts were exceeded in Risk of
// the cases.
type Point struct {
	Risk float64
	Q    float32
}

// uncalibrated is the margin where nothing has been calibrated: the sum of
// peaks, which takes no credit for multiplexing.
const uncalibrated = 1

// Ahead returns the margins for peaks within horizon: those calibrated for the
// shortest horizon that is no shorter. The peak of an hour is not missed as the peak
// of a day is.
func (m Margins) Ahead(horizon time.Duration) Margins {
	best := map[resource.Name]time.Duration{}
	for _, b := range m.Bands {
		if b.Horizon >= horizon && b.Horizon > 0 && (best[b.Resource] == 0 || b.Horizon < best[b.Resource]) {
			best[b.Resource] = b.Horizon
		}
	}
	var out Margins
	for _, b := range m.Bands {
		if b.Horizon == best[b.Resource] {
			b.Horizon = 0
			out.Bands = append(out.Bands, b)
		}
	}
	return out
}

// At returns the margin for n on a node of members workloads at risk, for the peak
// of the grid's span (of a shorter horizon: see Ahead). Between
// calibrated risks it takes the safer one; below the smallest, or for a
// resource never calibrated, it returns 1, the sum of peaks, or the largest
// calibrated margin if that is more.
func (m Margins) At(n resource.Name, members int, risk float64) float32 {
	band := m.band(n, members)
	if band == nil {
		return uncalibrated
	}
	for _, p := range band.Points {
		if p.Risk <= risk {
			return p.Q
		}
	}
	q := float32(uncalibrated)
	for _, p := range band.Points {
		q = max(q, p.Q)
	}
	return q
}

// Size returns the most members of the nodes that the margin for n on a node of
// members was calibrated on, 0 where none was.
func (m Margins) Size(n resource.Name, members int) int {
	if b := m.band(n, members); b != nil {
		return b.MaxMembers
	}
	return 0
}

// band returns the smallest band that holds members, or the largest there is.
func (m Margins) band(n resource.Name, members int) *Band {
	var best *Band
	for i := range m.Bands {
		b := &m.Bands[i]
		if b.Resource != n || b.Horizon != 0 {
			continue
		}
		switch {
		case best == nil:
			best = b
		case b.MaxMembers >= members && (best.MaxMembers < members || b.MaxMembers < best.MaxMembers):
			best = b
		case best.MaxMembers < members && b.MaxMembers > best.MaxMembers:
			best = b
		}
	}
	return best
}

// Validate reports margins that are not ordered or not finite.
func (m Margins) Validate() error {
	for _, b := range m.Bands {
		if b.MaxMembers <= 0 {
			return fmt.Errorf("margins of %s: band of at most %d members", b.Resource, b.MaxMembers)
		}
		if b.Horizon < 0 {
			return fmt.Errorf("margins of %s: horizon of %v", b.Resource, b.Horizon)
		}
		for i, p := range b.Points {
			if !(p.Risk > 0 && p.Risk < 1) || !(p.Q >= 0) || p.Q > 1e6 {
				return fmt.Errorf("margins of %s: q %g at risk %g", b.Resource, p.Q, p.Risk)
			}
			if i > 0 && p.Risk >= b.Points[i-1].Risk {
				return fmt.Errorf("margins of %s: risks are not falling at %g", b.Resource, p.Risk)
			}
		}
		if !slices.IsSortedFunc(b.Points, func(a, c Point) int { return int(sign(a.Q - c.Q)) }) {
			return fmt.Errorf("margins of %s: a smaller risk has a smaller margin", b.Resource)
		}
	}
	return nil
}

func sign(x float32) float32 {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}
