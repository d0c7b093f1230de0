package synthetic

import (
	"math"
	"time"
)

// Salts keep what is drawn for one purpose apart from all others.
const (
	saltMissing = iota + 1
	saltWhite
	saltSlow
	saltHour
	saltQuick
	saltBurst
	saltBurstStart
	saltBurstHeight
	saltBurstLength
	saltRun
	saltMember
	saltLateStart
	saltNode
)

// hash mixes three numbers into one (the finaliser of SplitMix64; Steele, Lea,
// Flood, OOPSLA 2014).
func hash(a, b, c uint64) uint64 {
	x := a ^ b*0x9e3779b97f4a7c15 ^ c*0xd1b54a32d192ed03
	for range 2 {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// uniform draws from [0, 1).
func uniform(a, b, c uint64) float64 { return float64(hash(a, b, c)>>11) / (1 << 53) }

// noise is a smooth random curve in [-1, 1] that changes over about a period:
// values drawn at its multiples, joined by a cubic.
func noise(seed uint64, at time.Time, period time.Duration, salt uint64) float64 {
	x := float64(at.UnixMilli()) / float64(period.Milliseconds())
	k := math.Floor(x)
	f := x - k
	f = f * f * (3 - 2*f)
	a := uniform(seed, uint64(int64(k)), salt)
	b := uniform(seed, uint64(int64(k)+1), salt)
	return 2*(a+(b-a)*f) - 1
}

// bursts returns the height of the bursts under way at a moment. One starts in
// a bucket of time with probability p, at a random place in it, and fades over up
// to longest, which may span three buckets. Heights have a Pareto tail of index
// 2.5, at least 1, at most 5.
func bursts(seed uint64, at time.Time, bucket time.Duration, p float64, longest time.Duration) float64 {
	k := at.UnixMilli() / bucket.Milliseconds()
	sum := 0.0
	for _, b := range [...]int64{k, k - 1, k - 2, k - 3} {
		if uniform(seed, uint64(b), saltBurst) >= p {
			continue
		}
		start := float64(b)*bucket.Seconds() + uniform(seed, uint64(b), saltBurstStart)*bucket.Seconds()
		length := (.2 + .8*uniform(seed, uint64(b), saltBurstLength)) * longest.Seconds()
		if x := (float64(at.UnixMilli())/1000 - start) / length; x >= 0 && x < 1 {
			height := math.Pow(1-uniform(seed, uint64(b), saltBurstHeight), -1/2.5)
			sum += min(height, 5) * (1 - x*x)
		}
	}
	return sum
}

// hourOfDay returns the hour, with its fraction, on a clock that is ahead of UTC.
func hourOfDay(at time.Time, ahead time.Duration) float64 {
	return math.Mod(float64(at.Add(ahead).UnixMilli())/3.6e6, 24)
}

// weekend reports whether it is Saturday or Sunday on such a clock.
func weekend(at time.Time, ahead time.Duration) bool {
	d := at.Add(ahead).Weekday()
	return d == time.Saturday || d == time.Sunday
}

// daily is a hump in [0, 1] around the peak hour; the higher sharp, the narrower.
func daily(hour, peak, sharp float64) float64 {
	return math.Pow((1+math.Cos(2*math.Pi*(hour-peak)/24))/2, sharp)
}
