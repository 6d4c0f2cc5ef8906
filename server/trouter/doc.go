// Package trouter is the real-time connection of the official JavaScript chat
// package (@azure/communication-chat from 1.5.4 on) and of what stands on it.
//
// # Course
//
// The client asks /chat/config/realTimeNotifications where to go, allocates an
// endpoint at /v4/a with its user access token, shakes hands at /socket.io/1/
// (socket.io 0.9) and opens a WebSocket, or polls. Then it registers the
// endpoint at /v3/registrations; here the connection itself is what counts.
// Events of chat go down the connection as requests that the client answers.
//
// # State
//
// Allocation and handshake keep nothing: what they found out travels in a
// signed ticket among the parameters that the client repeats on every URL, so
// each node of a cluster can take the next step. Only a connection belongs to
// its node. A WebSocket needs nothing of a balancer. That of polls belongs to
// the node of the handshake, which its id names: a poll that comes to another
// node is answered by that one over the bus.
//
// A ticket opens connections for a few minutes only and is void as soon as the
// token is that it was made from. A connection ends with the token: when it is
// past its time, when it is revoked, when the user or the resource is deleted.
//
// # Bounds
//
// What a client has not taken yet is at most Options.MaxQueue bytes; beyond
// that the connection ends. Events that a client misses are not repeated: it
// lists the messages again, as it does with ACS.
package trouter
