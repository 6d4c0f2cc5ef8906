// Package readiness waits until a connection has something to read.
//
// A goroutine that is blocked in a read holds the stack that the read needs:
// through TLS and a WebSocket that is more than what a whole connection costs
// else. One that waits here holds the smallest stack there is, and reads when
// there is something to read.
//
// Over TLS it must be known that nothing read from the socket waits within
// crypto/tls, which does not tell. Listener therefore gives TLS one record at a
// time (RFC 8446 5.1), so that between two reads it holds none.
package readiness
