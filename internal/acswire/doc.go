// Package acswire holds what travels between a client and the service over
// the REST API of Azure Communication Services: JSON models, routes, header
// names, error codes, api-versions and the access-key signature. Both sides
// use it, so that they cannot drift apart.
//
// Models have pointer fields where the wire tells absent from zero. Nothing
// here does I/O; every value may be used from any goroutine.
package acswire
