// Package slack lets the system put off the timers of the library's threads by
// up to a millisecond, where it can: on Linux and Android, for a library that a
// program in another language loads. A program imports it for that effect alone.
//
// Go's scheduler has a thread that looks after the others: while any of them
// works, or has just begun a system call, it wakes up every 20 microseconds. In
// an audio call, where there is a little to do every few milliseconds, that is
// thousands of wake-ups a second and up to half of the processor time. With
// slack they become a few hundred. What the library does by the clock, a frame
// every 20 ms, bears a millisecond.
package slack
