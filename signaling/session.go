package signaling

// Session is the service's end of one agent's session. Its methods may be
// called from any goroutine, handlers included.
type Session struct{}

// ID identifies the session; it is not a secret of use to others without the
// user's token.
func (s *Session) ID() string { return "" }

// Principal is who the session belongs to, as of its last token.
func (s *Session) Principal() Principal { return Principal{} }

// DeviceID is what the agent named its device.
func (s *Session) DeviceID() string { return "" }

// UserAgent is what the agent said about its software.
func (s *Session) UserAgent() string { return "" }

// DisplayName is what the agent's user wants to be called; it may be empty.
func (s *Session) DisplayName() string { return "" }

// Connected tells whether the session has a connection now.
func (s *Session) Connected() bool { return false }

// Send queues a message for exactly-once, in-order delivery. It never blocks.
// Errors: ErrClosed, ErrTooLarge, and ErrQueueFull, with which the session ends.
func (s *Session) Send(m *Message) error { return ErrClosed }

// Close ends the session with a goodbye. It does not wait. Closing again does
// nothing.
func (s *Session) Close(code Code, reason string) {}

// Stats returns the counters of the session.
func (s *Session) Stats() Stats { return Stats{} }
