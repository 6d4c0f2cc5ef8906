// Package calls carries the calls between agents: it owns their signaling
// sessions, runs one callfsm.Coordinator for each call and relays session
// descriptions and candidates between the ends.
//
// # Order and durability
//
// A call belongs to one of a few loops, which run everything that concerns it
// one after the other; sessions only hand work to them. Every change of a call
// is written in order. Two messages wait until what they stand on is durable:
// who got the call (ACCEPTED, CONFIRMED) and that it is over (ENDED). Nothing
// else waits for a disk, ringing least of all: what a crash takes away there
// the ends say again when they reconcile, and a call whose START was lost is
// unknown, which its caller hears and starts it anew.
//
// # Several nodes
//
// A call reaches an end only through the session bound to its leg, and finds
// the sessions of a user only through the registry. Both are local today.
// What concerns a user wherever its sessions are already goes over the bus.
package calls
