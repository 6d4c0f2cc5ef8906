// Package stretch makes speech longer or shorter without changing its pitch.
//
// Accelerate and Decelerate take out or repeat one pitch period, found by
// correlation, and overlap-add the edges (WSOLA). CrossFade joins
// two pieces that do not belong together. Noise fills pauses.
//
// All work on mono 16 bit PCM at 48 kHz, keep no reference to what they are
// given, allocate nothing after their making, and are used from one goroutine
// at a time.
package stretch
