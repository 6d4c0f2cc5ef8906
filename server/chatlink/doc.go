// Package chatlink carries chat over the signaling connections of agents: what
// happens in the threads of a user, each thing once and in order, and what the
// user writes.
//
// # Following
//
// A link knows for each thread up to which change its agent was told. The event
// with the next number goes out as the hub delivers it. Whatever is out of turn
// only marks the thread as behind: a goroutine then reads the changes between
// from the database, a page at a time, and waits while much is queued for the
// agent. So nothing that the bus loses is lost, and a node that has just
// started, or another one, can go on where any other has stopped: the agent
// says up to where it knows each thread.
//
// # Asking
//
// What agents ask for is done in the order in which it came, by a goroutine
// that exists only while there is something to do, and answered with a result.
// A message has an id of its sender's choice: sent twice, it is written once.
package chatlink
