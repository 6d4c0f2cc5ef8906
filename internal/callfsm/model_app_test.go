package callfsm_test

import "github.com/parley-rtc/parley/internal/callfsm"

// action is one thing that an app does.
type action int64

const (
	actStart action = iota
	actAccept
	actAcceptMuted
	actReject
	actBusy
	actHangUp
	actHangUpAll
	actHold
	actResume
	actMute
	actUnmute
	actVideoOn
	actVideoOff
	actShareOn
	actShareOff
	actTones
	actRemove
	actTransfer
	actPromote
	actEarlyMedia
	actLobby
	actTimer
	numActions
)

// plan lays out what happens by itself in a schedule: the calls, and faults.
func (w *world) plan() {
	w.delay = [...]ns{2 * ms, 40 * ms, 400 * ms, 3 * sec, 9 * sec}[w.below(5)]
	devices := int(1 + w.below(3))
	if w.percent(3) {
		devices = 0
	}
	callee := "8:acs:r_b"
	if w.percent(8) {
		callee = "4:+14255550100"
	}
	w.planCall(0, "8:acs:r_a", callee, devices)
	if w.percent(30) {
		w.planCall(1, "8:acs:r_b", "8:acs:r_a", 1)
	}
	faults := int64(0)
	if w.percent(60) {
		faults = 1 + w.below(4)
	}
	for range faults {
		w.planFault()
	}
}

func (w *world) planCall(call uint8, from, to string, devices int) {
	c := &w.calls[call]
	c.used, c.from, c.to, c.devices = true, from, to, devices
	c.legs[3].gateway = w.percent(15)
	for l := range c.legs {
		c.legs[l].takes = 0
		if w.percent(15) {
			c.legs[l].takes = callfsm.MediaAudio
		}
		c.paths[l].relayless = w.percent(15)
	}
	cfg := callfsm.Config{Direction: callfsm.Outgoing, From: from, To: to, TakesMedia: c.legs[0].takes}
	if w.percent(20) {
		cfg.Media, cfg.Muted = callfsm.MediaAudio|callfsm.MediaVideo, true
	}
	w.newMachine(call, callfsm.CallerLeg, cfg)
	at := w.below(3 * sec)
	w.act(at, call, 0, actStart)
	if w.percent(3) {
		w.act(w.below(3*sec), call, 0, actHangUp)
	}
	if w.percent(3) {
		w.push(w.below(sec), evCut, agentOf(call, 0), 0, w.below(3*sec))
	}
	if w.percent(20) {
		w.act(at+w.moment(100), call, 0, actHangUp)
	}
	if w.percent(15) {
		muted := at + w.moment(60)
		w.act(muted, call, 0, actMute)
		w.act(muted+w.moment(30), call, 0, actUnmute)
	}
	if w.percent(10) {
		w.act(w.below(100*sec), call, 0, actTimer)
	}
	if w.percent(70) {
		// Whatever happened, the caller has enough in the end.
		w.act(700*sec, call, 0, actHangUp)
	}
}

// moment is a time up to limit seconds. Half of the times lie on whole seconds,
// so that things happen at once.
func (w *world) moment(limit int64) ns {
	if w.percent(30) {
		limit = min(limit, 6)
	}
	at := w.below(limit) * sec
	if w.percent(50) {
		at += w.below(sec)
	}
	return at
}

func (w *world) act(in ns, call uint8, l leg, what action) {
	w.push(in, evApp, uint8(l), call, int64(what))
}

func (w *world) planFault() {
	at := w.moment(150)
	if w.percent(10) {
		at = w.below(3 * sec)
	}
	a := agent(w.below(numAgents))
	if w.percent(60) {
		a = agent(w.below(2))
	}
	call := uint8(0)
	if w.percent(15) {
		call = 1
	}
	l := leg(1 + w.below(3))
	w.calm(at)
	switch w.below(13) {
	case 12:
		w.push(at, evServiceEnds, 0, call, 0)
	case 0, 1:
		w.push(at, evCut, a, 0, w.below(12*sec))
	case 2, 3:
		w.push(at, evCut, a, 0, w.below(220*sec))
	case 4, 5:
		w.push(at, evDrop, a, 0, 0)
	case 6:
		back := ns(0)
		if w.percent(60) {
			back = 1 + w.below(200*sec)
		}
		w.push(at, evCrash, a, 0, back)
	case 7, 8:
		w.push(at, evServiceCrash, 0, 0, w.below(2))
	case 9, 10:
		if w.percent(80) {
			l = 1
		}
		w.push(at, evPathFault, uint8(l), call, w.below(4))
	default:
		w.push(at, evMediaFailed, uint8(l), call, w.below(2))
	}
}

// stateChanged is where the app reacts.
func (w *world) stateChanged(call uint8, l leg, e *callfsm.Effect) {
	c := &w.calls[call]
	r := &c.legs[l]
	switch {
	case e.To == callfsm.StateRinging && l != callfsm.CallerLeg:
		w.planAnswer(call, l)
	case e.To == callfsm.StateConnected && !r.planned:
		r.planned = true
		w.planTalk(call, l)
	case e.To == callfsm.StateDisconnecting && w.percent(20):
		w.act(w.moment(6), call, l, actReject+action(w.below(4)))
	case e.To == callfsm.StateDisconnecting && w.percent(10):
		w.push(w.below(8*sec), evMediaFailed, uint8(max(l, 1)), call, int64(endOf(l)))
	}
}

// planAnswer: what the user of a device that rings does.
func (w *world) planAnswer(call uint8, l leg) {
	at := w.moment(100)
	switch p := w.below(100); {
	case p < 50:
		w.act(at, call, l, actAccept)
		if p < 12 {
			// A glance at the accept that crosses something.
			w.act(at+w.below(2*w.delay), call, l, actHangUp)
		}
	case p < 58:
		w.act(at, call, l, actAcceptMuted)
	case p < 68:
		w.act(at, call, l, actReject)
	case p < 72:
		w.act(at, call, l, actBusy)
	case p < 84:
		w.act(at/4, call, l, actLobby)
		if w.percent(30) {
			w.act(at/4+w.below(sec), call, l, actEarlyMedia)
		}
		// Nobody waits in a lobby for ever.
		w.act(at/4+w.moment(300), call, l, [...]action{actAccept, actAccept, actReject}[w.below(3)])
	case p < 92:
		w.act(at/2, call, l, actEarlyMedia)
		w.act(at, call, l, [...]action{actAccept, actAccept, actReject, actTimer}[w.below(4)])
	}
	if w.percent(15) {
		w.act(w.moment(20), call, l, actMute)
		w.act(w.moment(30), call, l, actUnmute)
	}
	if w.percent(5) {
		w.act(w.below(90*sec), call, l, actTimer)
	}
}

// planTalk: what the user does in a call. Bursts make the ends cross each other.
func (w *world) planTalk(call uint8, l leg) {
	n := w.below(8)
	at := w.moment(40)
	if w.percent(30) {
		at = w.below(sec)
	}
	for range n {
		if w.percent(40) {
			at += w.moment(12)
		} else {
			at += w.below(w.delay)
		}
		w.act(at, call, l, actHold+action(w.below(int64(numActions-actHold))))
		if w.percent(30) {
			w.act(at, call, l, actHold+action(w.below(2)))
		}
	}
	if w.percent(3) {
		// The media of a leg may fail for good in any state.
		w.push(at, evMediaFailed, uint8(max(l, 1)), call, int64(endOf(l)))
	}
	switch p := w.below(100); {
	case p < 25:
		w.act(w.moment(120), call, l, actHangUp)
	case p < 30:
		w.act(w.moment(120), call, l, actHangUpAll)
	case p < 45:
		w.act(at+w.below(w.delay), call, l, actHangUp)
	}
}

// app lets an app act. What is illegal at that moment is refused, and that is fine.
func (w *world) app(call uint8, l leg, what action) {
	r := &w.calls[call].legs[l]
	if r.m == nil {
		return
	}
	in := callfsm.Input{}
	switch what {
	case actStart:
		in.Kind = callfsm.InputStart
	case actAccept, actAcceptMuted:
		in.Kind, in.On = callfsm.InputAccept, what == actAcceptMuted
		if w.percent(20) {
			in.Media = callfsm.MediaAudio | callfsm.MediaVideo
		}
	case actReject:
		in.Kind = callfsm.InputReject
	case actBusy:
		in.Kind, in.Reason = callfsm.InputReject, callfsm.ReasonBusy.Reason()
	case actHangUp, actHangUpAll:
		in.Kind, in.On = callfsm.InputHangUp, what == actHangUpAll
	case actHold:
		in.Kind = callfsm.InputHold
	case actResume:
		in.Kind = callfsm.InputResume
	case actMute:
		in.Kind = callfsm.InputMute
	case actUnmute:
		in.Kind = callfsm.InputUnmute
	case actVideoOn, actVideoOff:
		in.Kind, in.Media, in.On = callfsm.InputModality, callfsm.MediaVideo, what == actVideoOn
	case actShareOn, actShareOff:
		in.Kind, in.Media, in.On = callfsm.InputModality, callfsm.MediaShare, what == actShareOn
	case actTones:
		in.Kind, in.Tones = callfsm.InputTones, "1#"
	case actRemove:
		in.Kind, in.To = callfsm.InputRemove, "8:acs:r_nobody"
		if w.percent(15) {
			in.To = r.m.Remote().ID
		}
	case actTransfer:
		in.Kind, in.To = callfsm.InputTransfer, "8:acs:r_c"
	case actPromote:
		in.Kind = callfsm.InputPromote
	case actEarlyMedia:
		in.Kind = callfsm.InputEarlyMedia
	case actLobby:
		in.Kind = callfsm.InputLobby
	case actTimer:
		in.Kind = callfsm.InputTimer
	case numActions:
		return
	}
	if in.Kind == callfsm.InputModality || in.Kind == callfsm.InputRemove || in.Kind == callfsm.InputTransfer ||
		in.Kind == callfsm.InputPromote {
		r.request++
		in.Request = r.request
	}
	w.feed(call, l, in)
}
