// Package stretch makes speech longer or shorter without changing its pitch
// and makes up short pieces of it that were lost.
//
// Accelerate and Decelerate take out or repeat one pitch period, found by
// correlation, and overlap-add the edges (WSOLA). A Concealer goes on with the
// last pitch periods of what was heard, fading out. Noise fills pauses.
//
// All work on mono 16 bit PCM at 48 kHz, keep no reference to what they are
// given, allocate nothing after their making, and are used from one goroutine
// at a time.
package stretch
