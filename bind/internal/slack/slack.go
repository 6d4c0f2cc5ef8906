// Package slack lets the system put off the timers of one thread of a library
// that a program in another language loads, on Linux and Android: the thread
// with which Go's scheduler looks after the others. A program imports the
// package for that effect alone.
//
// While anything works, or has just begun a system call, or an audio thread
// comes and goes, that thread sleeps 20 microseconds at a time. In an audio call,
// where there is a little to do every few milliseconds, that is thousands of
// wake-ups a second and up to half of the processor time. What it is for, to take
// a processor from who holds it for 10 ms, bears some milliseconds more. The
// timers of all other threads, by which audio is sent and played, are left alone.
package slack
