// Package front is the door of the REST API: it matches routes, checks the
// api-version, the access key and the body's hash, and writes answers and
// errors in the contract's form. The areas behind it see requests that passed.
//
// A request is handled in this order: route, api-version, body, access key,
// handler. What fails is answered with the contract's error body; nothing of
// it reaches the handler.
package front
