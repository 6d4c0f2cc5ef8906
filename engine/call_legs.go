package engine

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
	"github.com/parley-rtc/parley/transport"
)

const (
	// describeTimeout bounds the making of a session description, which needs
	// no answer of anybody.
	describeTimeout = 10 * time.Second
	// lostRestart is how long a lost path is given to come back by itself
	// before a new one is looked for, and restartAgain how long that may take
	// before it is tried once more.
	lostRestart  = 2 * time.Second
	restartAgain = 8 * time.Second
	// restartPause is the least time between two offers of a new path.
	restartPause = time.Second
	// callOverhead is what congestion control may use beside audio and video:
	// data messages.
	callOverhead = 600_000
)

// leg is the media session with one device of the other side; a caller has one
// for each device that rings. It belongs to the call's loop, apart from what
// its packets pass.
type leg struct {
	number     callfsm.Leg
	session    *transport.Session
	negotiated bool // both descriptions are known
	allowed    bool // this device is the one that the call is with
	connected  bool // the path stood at least once
	told       bool // the app knows how the path does
	restart    *time.Timer
	audio      atomic.Pointer[media.AudioReceiver]
	video      videoGate
	early      earlyData

	// restarted is when this side offered a new path last. Both ends notice that
	// the old one is lost, so the other side's wish for a new one comes right
	// after this side's own.
	restarted time.Time

	// What was sent last, in case it was lost with a session of signaling: the
	// description and the candidates of its generation.
	description *signalpb.CallDescription
	candidates  []*signalpb.CallCandidates
}

// startMedia makes the session of a leg. The callee's device offers, the caller
// waits for the offer.
func (c *Call) startMedia(number callfsm.Leg) {
	if _, ok := c.legs[number]; ok {
		return
	}
	l := &leg{number: number}
	session, err := c.newSession(l)
	if err != nil {
		c.mediaFailed(l, err)
		return
	}
	l.session = session
	c.legs[number] = l
	if c.direction == CallDirectionIncoming {
		c.describe(l, session.Offer)
	}
}

func (c *Call) newSession(l *leg) (*transport.Session, error) {
	client := c.agent.client
	certificate, err := client.sessionCertificate()
	if err != nil {
		return nil, err
	}
	return transport.New(&transport.Options{
		Logger:        client.options.Logger,
		Net:           client.options.Net,
		ICEServers:    c.agent.iceServers(),
		RootCAs:       client.options.RootCAs,
		AudioCodecs:   media.AudioCodecs(),
		VideoCodecs:   media.VideoCodecs(),
		HideAddresses: !c.early,
		RelayOnly:     client.options.RelayOnly,
		Certificate:   certificate,
		Bitrate: transport.BitrateLimits{
			Max: client.options.AudioBitrate + client.options.MaxVideoBitrate + callOverhead,
		},
		Events: transport.Events{
			Candidates:      func(b transport.CandidateBatch) { c.post(func() { c.sendCandidates(l, b) }) },
			StateChanged:    func(s transport.State) { c.post(func() { c.transportChanged(l, s) }) },
			Packet:          l.packet,
			KeyFrameRequest: func() { c.keyFrameRequested(l) },
			TargetBitrate:   func(bps int) { c.targetBitrate(l, bps) },
			Report:          func(r packet.Report) { c.reportReceived(l, r) },
			Data: func(r transport.Reliability, message []byte) {
				c.dataArrived(l, r, message)
			},
		},
	})
}

// packet takes a media packet from the transport's goroutine.
func (l *leg) packet(kind packet.Kind, p *packet.Packet) {
	switch kind {
	case packet.KindAudio:
		if r := l.audio.Load(); r != nil {
			r.Push(p)
		}
	case packet.KindVideo:
		l.video.push(p)
	}
}

// describe makes a description of this side and sends it.
func (c *Call) describe(l *leg, makeOne func(context.Context) (transport.Description, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
	defer cancel()
	d, err := makeOne(ctx)
	if err != nil {
		c.mediaFailed(l, err)
		return
	}
	c.described(l, d)
}

// described sends a new description of this side.
func (c *Call) described(l *leg, d transport.Description) {
	kind := signalpb.CallDescription_OFFER
	if d.Kind == transport.KindAnswer {
		kind = signalpb.CallDescription_ANSWER
	}
	l.description = &signalpb.CallDescription{
		Leg: uint32(l.number), Kind: kind, Generation: d.Generation, Sdp: d.SDP,
	}
	l.candidates = slices.DeleteFunc(l.candidates, func(b *signalpb.CallCandidates) bool {
		return b.GetGeneration() < d.Generation
	})
	c.sendDescription(l)
}

func (c *Call) sendDescription(l *leg) {
	id := c.id
	c.send(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Description{Description: l.description}})
}

// describeAgain sends the last description and its candidates once more.
func (c *Call) describeAgain(l *leg) {
	if l.description == nil {
		return
	}
	c.sendDescription(l)
	id := c.id
	for _, b := range l.candidates {
		c.send(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Candidates{Candidates: b}})
	}
}

// descriptionReceived takes the other side's offer or answer.
func (c *Call) descriptionReceived(m *signalpb.CallDescription) {
	l, ok := c.legs[callfsm.Leg(m.GetLeg())]
	if !ok {
		c.logger.Debug("dropped a description of an unknown leg", "leg", m.GetLeg())
		return
	}
	if offer := m.GetKind() == signalpb.CallDescription_OFFER; offer == (c.direction == CallDirectionIncoming) {
		c.logger.Debug("dropped a description of the wrong kind", "leg", m.GetLeg())
		return
	}
	d := transport.Description{SDP: m.GetSdp(), Generation: m.GetGeneration()}
	switch m.GetKind() {
	case signalpb.CallDescription_OFFER:
		if l.description.GetGeneration() == d.Generation && d.Generation != 0 {
			// The answer to this one was sent before and got lost.
			c.describeAgain(l)
			return
		}
		d.Kind = transport.KindOffer
		c.describe(l, func(ctx context.Context) (transport.Description, error) { return l.session.Answer(ctx, d) })
	case signalpb.CallDescription_ANSWER:
		d.Kind = transport.KindAnswer
		if err := l.session.SetAnswer(d); err != nil {
			c.mediaFailed(l, err)
			return
		}
	case signalpb.CallDescription_KIND_UNSPECIFIED:
		return
	}
	c.negotiated(l)
}

// negotiated makes the receiving side ready, so that the first packet of the
// other side finds everything in place.
func (c *Call) negotiated(l *leg) {
	if l.negotiated || len(l.session.Codecs(packet.KindAudio)) == 0 {
		return
	}
	l.negotiated = true
	receiver, err := media.NewAudioReceiver(&media.AudioReceiverOptions{
		Codecs:   l.session.Codecs(packet.KindAudio),
		Tone:     func(digit rune) { c.post(func() { c.toneReceived(digit) }) },
		Speaking: func(speaking bool) { c.post(func() { c.remoteSpeaking(speaking) }) },
		Logger:   c.agent.client.options.Logger,
	})
	if err != nil {
		c.mediaFailed(l, err)
		return
	}
	l.audio.Store(receiver)
	c.tryMedia(l)
}

func (c *Call) sendCandidates(l *leg, b transport.CandidateBatch) {
	batch := &signalpb.CallCandidates{
		Leg: uint32(l.number), Generation: b.Generation, Candidates: b.Candidates, End: b.End,
	}
	l.candidates = append(l.candidates, batch)
	id := c.id
	c.send(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Candidates{Candidates: batch}})
}

// candidatesReceived takes the other side's candidates. Bad ones are dropped;
// the good ones among them were taken.
func (c *Call) candidatesReceived(m *signalpb.CallCandidates) {
	l, ok := c.legs[callfsm.Leg(m.GetLeg())]
	if !ok {
		return
	}
	err := l.session.AddCandidates(transport.CandidateBatch{
		Generation: m.GetGeneration(), Candidates: m.GetCandidates(), End: m.GetEnd(),
	})
	if err != nil {
		c.logger.Debug("candidates refused", "leg", m.GetLeg(), "error", err)
	}
}

// transportChanged tells the machine and the app how the media path does.
func (c *Call) transportChanged(l *leg, s transport.State) {
	if c.legs[l.number] != l {
		return
	}
	c.tellMedia(l, s)
	switch s {
	case transport.StateConnected:
		stopTimer(l.restart)
		if !l.connected {
			l.connected = true
			c.updateSending()
		}
		c.input(callfsm.Input{Kind: callfsm.InputTransportUp, Leg: l.number})
	case transport.StateLost:
		c.input(callfsm.Input{Kind: callfsm.InputTransportLost, Leg: l.number})
		c.restartLater(l, lostRestart)
	case transport.StateFailed:
		c.input(callfsm.Input{Kind: callfsm.InputTransportFailed, Leg: l.number})
	case transport.StateNew, transport.StateConnecting, transport.StateClosed:
	}
}

// tellMedia tells the app how the path to the other side does. There is none to
// tell of before one of the legs has won.
func (c *Call) tellMedia(l *leg, s transport.State) {
	winner, won := c.machine.PeerLeg()
	if shown, ok := mediaState(s); ok && won && winner == l.number {
		l.told = true
		emit(c, c.options.Events.MediaStateChanged, CallMediaStateChanged{Call: c, State: shown})
	}
}

func mediaState(s transport.State) (MediaState, bool) {
	switch s {
	case transport.StateConnecting:
		return MediaStateConnecting, true
	case transport.StateConnected:
		return MediaStateConnected, true
	case transport.StateLost, transport.StateFailed:
		return MediaStateReconnecting, true
	case transport.StateNew, transport.StateClosed:
	}
	return 0, false
}

// restartLater looks for a new path if the old one does not come back.
func (c *Call) restartLater(l *leg, wait time.Duration) {
	stopTimer(l.restart)
	l.restart = time.AfterFunc(wait, func() {
		c.post(func() {
			if c.legs[l.number] != l || l.session.State() == transport.StateConnected {
				return
			}
			c.input(callfsm.Input{Kind: callfsm.InputTransportFailed, Leg: l.number})
			c.restartLater(l, restartAgain)
		})
	})
}

// networkChanged looks for new paths at once where the old one is lost.
func (c *Call) networkChanged() {
	for _, l := range c.legs {
		if s := l.session.State(); s == transport.StateLost || s == transport.StateFailed {
			c.input(callfsm.Input{Kind: callfsm.InputTransportFailed, Leg: l.number})
		}
	}
}

// restartMedia makes a new offer for an established leg.
func (c *Call) restartMedia(number callfsm.Leg) {
	l, ok := c.legs[number]
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
	defer cancel()
	if l.negotiated && time.Since(l.restarted) < restartPause {
		return
	}
	d, err := l.session.Restart(ctx)
	switch {
	case err == nil:
		l.restarted = time.Now()
		c.described(l, d)
	case !l.negotiated:
		// The first offer is not answered yet; it may be lost.
		c.describeAgain(l)
	default:
		c.logger.Debug("path not restarted", "leg", uint32(number), "error", err)
	}
}

// mediaFailed tells the machine that a leg cannot have media at all.
func (c *Call) mediaFailed(l *leg, err error) {
	reason := callfsm.ReasonMediaSetup
	switch {
	case errors.Is(err, transport.ErrClosed):
		return
	case errors.Is(err, transport.ErrNoCommonCodec), errors.Is(err, media.ErrNoEncoder):
		reason = callfsm.ReasonNoCommonCodec
	case errors.Is(err, transport.ErrInvalidDescription), errors.Is(err, errProtocol):
		reason = callfsm.ReasonMediaProtocol
	case errors.Is(err, transport.ErrWrongState):
		// A repeated or late description: it changes nothing.
		c.logger.Debug("description refused", "leg", uint32(l.number), "error", err)
		return
	}
	c.logger.Warn("media failed", "leg", uint32(l.number), "error", err)
	c.post(func() {
		c.input(callfsm.Input{Kind: callfsm.InputMediaFailed, Leg: l.number, Reason: reason.Reason()})
	})
}

// stopMedia closes the session of a leg, or of all.
func (c *Call) stopMedia(number callfsm.Leg) {
	for n, l := range c.legs {
		if n != number && number != callfsm.AllLegs {
			continue
		}
		delete(c.legs, n)
		stopTimer(l.restart)
		if m := c.media.Load(); m != nil && m.leg == l {
			stats := c.Stats()
			c.setView(func(v *callView) { v.final = &stats })
			c.allowed = false
			m.silence()
			c.closers.Go(m.close)
		}
		c.sessions.Go(l.close)
	}
}

// close ends the session and waits until all its goroutines have ended.
func (l *leg) close() {
	// Both only fail when they were closed before.
	_ = l.session.Close()
	if r := l.audio.Load(); r != nil {
		_ = r.Close()
	}
	l.video.close()
	<-l.session.Done()
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
