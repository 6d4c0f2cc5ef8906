package engine

// CallAgentEvents are the handlers of an agent. Nil: not interested. They run
// one at a time, in order, together with those of the agent's calls, on a
// goroutine of their own, and may call any method.
type CallAgentEvents struct {
	// IncomingCall is called when somebody calls this user.
	IncomingCall func(IncomingCallReceived)
	// IncomingCallEnded is called when a call that rang here was not taken here:
	// the caller gave up, another device answered, it was rejected or timed out.
	IncomingCallEnded func(IncomingCallEnded)
	// CallsUpdated is called when calls were added to or removed from Calls.
	CallsUpdated func(CallsUpdated)
	// ConnectionStateChanged is called when the connection to the service is
	// lost, comes back, or is over.
	ConnectionStateChanged func(AgentConnectionStateChanged)
}

// IncomingCallReceived says that somebody calls.
type IncomingCallReceived struct {
	Agent *CallAgent
	Call  *IncomingCall
}

// IncomingCallEnded says that an incoming call rings here no more and was not
// taken here. Reason is 487/10003 when another device answered, 487/0 when the
// caller gave up, 487/10004 when nobody answered.
type IncomingCallEnded struct {
	Agent  *CallAgent
	Call   *IncomingCall
	Reason EndReason
}

// CallsUpdated lists calls that were added to and removed from the agent.
type CallsUpdated struct {
	Agent   *CallAgent
	Added   []*Call
	Removed []*Call
}

// AgentConnectionStateChanged says that the agent's connection to the service
// changed. Err tells why it is Reconnecting or Disconnected; after
// Disconnected the agent is of no more use. An Err that wraps ErrUnauthorized
// asks for a new sign-in.
type AgentConnectionStateChanged struct {
	Agent    *CallAgent
	From, To ConnectionState
	Err      error
}

// ConnectionState is the state of an agent's connection to the service.
type ConnectionState uint8

// The states of a connection.
const (
	// ConnectionStateConnected means that calls come and go.
	ConnectionStateConnected ConnectionState = iota + 1
	// ConnectionStateReconnecting means that the connection was lost and is
	// being restored; calls go on.
	ConnectionStateReconnecting
	// ConnectionStateDisconnected is final.
	ConnectionStateDisconnected
)

// String returns the state's name.
func (s ConnectionState) String() string {
	switch s {
	case ConnectionStateConnected:
		return "Connected"
	case ConnectionStateReconnecting:
		return "Reconnecting"
	case ConnectionStateDisconnected:
		return "Disconnected"
	default:
		return "Unknown"
	}
}
