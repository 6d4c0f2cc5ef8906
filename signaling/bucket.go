package signaling

import "time"

// bucket limits a rate: it holds burst tokens and gets rate new ones a second.
type bucket struct {
	rate, burst float64
	level       float64
	at          time.Time
}

func newBucket(rate, burst float64, now time.Time) bucket {
	return bucket{rate: rate, burst: burst, level: burst, at: now}
}

// take takes n tokens, or none and returns false.
func (b *bucket) take(now time.Time, n float64) bool {
	if elapsed := now.Sub(b.at); elapsed > 0 {
		b.level = min(b.burst, b.level+b.rate*elapsed.Seconds())
		b.at = now
	}
	if n > b.level {
		return false
	}
	b.level -= n
	return true
}
