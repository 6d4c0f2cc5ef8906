// Package callfsm holds the state machines of a call: Machine for an end (the
// caller or one device of the callee) and Coordinator for the service, one per
// call. Both are pure: inputs go in with the time, effects come out. Nothing
// here has a goroutine, a clock, a socket, a log or a lock.
//
// The smallest end:
//
//	m := callfsm.NewMachine(callfsm.Config{Direction: callfsm.Outgoing, To: "8:acs:…"})
//	effects, err := m.Step(now, callfsm.Input{Kind: callfsm.InputStart})
//	for _, e := range effects {
//		switch e.Kind { … } // carry each out, in order
//	}
//	if at, ok := m.Deadline(); ok {
//		… // at that time: m.Step(at, callfsm.Input{Kind: callfsm.InputTimer})
//	}
//
// The owner of a machine feeds it from one goroutine, carries the effects out
// in order, and after each Step arms one timer for Deadline. An input that is
// illegal in the present state gives an error and changes nothing. After
// Disconnected (Machine) or EffectFinished (Coordinator) nothing is emitted.
//
// What the channel between an end and the service must guarantee: within one
// session messages arrive in order and exactly once, after any delay. When a
// session is lost for good, messages under way in it may be lost; the end then
// gets InputNewEpoch and sends RECONCILE. An end that opens a new session
// reconciles all calls that it knows; a call of its device that it does not
// name is InputLegGone for the Coordinator.
package callfsm
