// Package signaling carries call-control messages between an agent and the
// service: every message once, in order, over connections that come and go.
//
// An agent holds a [Client]. It keeps one connection to the service open,
// dials again when it is lost, and hides the loss: a session outlives its
// connections. The service holds an [Acceptor], which turns connections into
// [Session] values. Both ends send with Send, which queues and never blocks,
// and get messages through a handler, one at a time. A message counts as
// received when the handler has returned; only then it is acknowledged.
//
// A session that cannot be resumed (the service was restarted, or the agent
// was away for longer than the retention) is replaced by a new one. Both ends
// are told, neither gets messages of the old session any more, and both
// reconcile from a snapshot: see [ClientState] and [AcceptorOptions].
//
// The wire format and its rules are in docs/signaling.md.
package signaling

//go:generate protoc --proto_path=.. --go_out=.. --go_opt=paths=source_relative ../signaling/signalpb/signal.proto
//go:generate go run ./internal/training/traindict -corpus internal/training/corpus/descriptions.txt -out internal/wire/dict/v1.zdict
