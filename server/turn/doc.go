// Package turn is the service's relay: a TURN server over UDP (RFC 8656) for
// agents that cannot reach each other directly, with credentials that end by
// themselves.
//
// # What the relay will not do
//
// A relay inside a private network would be a door into it. So loopback,
// link-local, private and other special addresses are refused as peers unless
// they are allowed by name or the relay itself listens on loopback only, which
// nobody but this machine reaches. The relay's own addresses are always
// allowed, so that two relayed ends can meet, but only at ports that are
// relayed addresses at that moment: the machine's other services stay out of
// reach.
package turn
