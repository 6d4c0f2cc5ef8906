// Package calls carries the calls between agents: it owns their signaling
// sessions, runs one callfsm.Coordinator for each call and relays session
// descriptions and candidates between the ends.
//
// # Order and durability
//
// A call belongs to one of a few loops, which run everything that concerns it
// one after the other; sessions only hand work to them. What a Coordinator
// says to an end is sent after the state behind it is durable, except START:
// its STARTED and INCOMING go out at once and the state follows a moment
// later, so that ringing never waits for a disk. A service that dies in that
// moment does not know the call when it comes back, and both ends are told so
// when they reconcile.
//
// # Several nodes
//
// A call reaches an end only through the session bound to its leg, and finds
// the sessions of a user only through the registry. Both are local today.
// What concerns a user wherever its sessions are already goes over the bus.
package calls
