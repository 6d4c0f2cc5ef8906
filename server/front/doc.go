// Package front is the door of the REST API: it routes requests by path and
// api-version, checks who asks, how often, and what came with it, and writes
// answers and errors in the contract's form. The areas behind it see requests
// that passed.
//
// A request goes through these steps; what fails one is answered, and nothing
// of it reaches the handler: preflight, route, api-version, limits, credential,
// body and hash, media type, repeatability. docs/front-door.md says what
// clients may rely on.
//
// Routes come from the tables of acswire: New fails when an operation has no
// handler, or a handler no operation.
package front
