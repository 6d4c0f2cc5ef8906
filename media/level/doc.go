// Package level measures how loud audio is, whether somebody speaks in it, and
// when to say so.
//
//   - Level is the audio level of RFC 6464 and RFC 6465.
//   - Detector finds voice by the energy of three bands over their noise floors.
//   - Speaking turns its answers into a calm "speaks" and "does not".
//
// All take mono 16 bit PCM, are pure, and are used from one goroutine at a time.
package level
