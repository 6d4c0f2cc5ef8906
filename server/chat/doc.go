// Package chat keeps threads of messages: who takes part in them, what was
// said, edited, deleted and read, in one order for every reader.
//
// # Order
//
// All that happens in a thread is numbered by its change counter, in the
// transaction that makes it durable. Messages have a sequence number of their
// own beside it, and an id that is their time in milliseconds, made so that it
// never repeats within the thread. What is answered with success is durable.
//
// # Events
//
// After the commit an Event goes over the bus to every node; a node hands it to
// the connections of the thread's members that it holds. The bus may lose and
// reorder: whoever must not miss anything compares change numbers and asks
// Changes for what lies between.
//
// # Access
//
// A caller is a user with the scopes of a token. Only members see a thread.
// The checks run within the statement that makes the change, so that a member
// who is removed at the same moment cannot slip through.
package chat
