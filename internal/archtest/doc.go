// Package archtest holds tests of the house itself: which package may import
// which, and what must not be linked into a phone. It has no code of its own.
package archtest
