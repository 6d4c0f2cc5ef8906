// Package contract holds answers of the service against the specifications of
// ACS: Swagger 2.0 files where they are published, lists of members where only
// a published client is known. It is for tests.
//
// The specifications lie outside the repository (PARLEY_SHARED). A Recording is
// a file of exchanges, one JSON object a line, as the service writes it when it
// is asked to (server.Options.Record); Check reads it and says what does not
// match.
package contract
