package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/loop"
	"github.com/parley-rtc/parley/signaling"
)

// Call is a conversation. Its methods are safe for many goroutines and may be
// called from handlers; those without a context never block.
type Call struct {
	agent     *CallAgent
	id        CallID
	direction CallDirection
	logger    *slog.Logger
	loop      *loop.Loop
	taken     chan struct{} // closed when the service has taken the call, or the accept
	done      chan struct{} // closed at Disconnected
	released  chan struct{} // closed when sources and sinks are not used any more

	mu       sync.Mutex // guards view
	view     callView
	media    atomic.Pointer[callMedia] // nil until media may flow; immutable
	backlog  atomic.Int64              // bytes of data messages that wait for handlers
	data     dataCounters
	channels dataChannels

	// What follows belongs to the loop.
	machine *callfsm.Machine
	// carryOut is effect. What the loop does is the call's own affair: it may
	// begin in a method of the app but is not bound by the context of that method.
	carryOut func(callfsm.Effect)
	timer    *time.Timer
	options  CallOptions
	incoming *IncomingCall // while it rings here
	early    bool          // addresses need not be hidden
	held     *heldMessages // while the agent reconciles
	legs     map[callfsm.Leg]*leg
	allowed  bool // media may be sent now
	request  uint32
	pending  map[uint32]chan error // operations under way
	audio    *LocalAudioTrack
	video    *LocalVideoTrack
	stats    *time.Timer
	closers  sync.WaitGroup // goroutines that close media; they may wait for sources and sinks
	sessions sync.WaitGroup // goroutines that close sessions; they may wait for the relay
}

// callView is what the methods that never block return.
type callView struct {
	state         CallState
	reason        EndReason
	muted         bool
	incomingMuted bool
	tracks        []LocalTrack
	participant   *RemoteParticipant
	final         *CallStats // once media was closed
}

// newCall makes a call and starts its loop. Whoever makes one must add it to
// the agent or discard it.
func newCall(a *CallAgent, id CallID, direction CallDirection, machine *callfsm.Machine) *Call {
	c := &Call{
		machine:   machine,
		agent:     a,
		id:        id,
		direction: direction,
		logger:    a.logger.With("call_id", id.String()),
		loop:      loop.New(),
		taken:     make(chan struct{}),
		done:      make(chan struct{}),
		released:  make(chan struct{}),
		legs:      map[callfsm.Leg]*leg{},
		pending:   map[uint32]chan error{},
	}
	c.carryOut = c.effect
	return c
}

// discard ends the loop of a call that never began.
func (c *Call) discard() { c.loop.Close() }

// start places the call and waits until the service has taken it.
func (c *Call) start(ctx context.Context, to Identifier, options *StartCallOptions) (*Call, error) {
	err := c.do(ctx, func() error {
		c.early = options.ShareAddressEarly
		c.agent.emitCalls([]*Call{c}, nil)
		c.begin(&options.CallOptions)
		c.setParticipant(to, "")
		return c.step(callfsm.Input{Kind: callfsm.InputStart})
	})
	if err != nil {
		c.abort()
		return nil, err
	}
	return c.await(ctx)
}

// begin takes the options that the app gave with the call.
func (c *Call) begin(options *CallOptions) {
	c.options = *options
	c.audio, c.video = options.Audio, options.Video
	var tracks []LocalTrack
	if c.audio != nil {
		c.audio.bind(c)
		tracks = append(tracks, c.audio)
	}
	if c.video != nil {
		c.video.bind(c)
		tracks = append(tracks, c.video)
	}
	c.setView(func(v *callView) {
		v.tracks = tracks
		v.muted, v.incomingMuted = options.Muted, options.IncomingMuted
	})
}

// await waits until the service has taken what the app asked for. When ctx
// ends first, the call is hung up.
func (c *Call) await(ctx context.Context) (*Call, error) {
	select {
	case <-c.taken:
		return c, nil
	default:
	}
	select {
	case <-c.taken:
		return c, nil
	case <-c.done:
		select {
		case <-c.taken:
			return c, nil
		default:
			return nil, newCallError(c.EndReason())
		}
	case <-ctx.Done():
		c.post(func() { c.input(callfsm.Input{Kind: callfsm.InputHangUp}) })
		return nil, fmt.Errorf("engine: given up: %w", context.Cause(ctx))
	}
}

// do runs fn on the loop for a method of the API.
func (c *Call) do(ctx context.Context, fn func() error) error {
	var err error
	run := func() {
		if err = ErrCallEnded; !c.over() {
			err = fn()
		}
	}
	switch lerr := c.loop.Do(ctx, run); {
	case errors.Is(lerr, loop.ErrClosed):
		return ErrCallEnded
	case lerr != nil:
		return fmt.Errorf("engine: %w", lerr)
	}
	return err
}

// apply runs fn on the loop and waits, for signaling and for the agent. It
// does nothing on a call that has ended.
func (c *Call) apply(fn func()) {
	// The only error is that of a closed loop: the call has ended.
	_ = c.loop.Run(func() {
		if !c.over() {
			fn()
		}
	})
}

// post runs fn on the loop without waiting, for callbacks from below. It does
// nothing on a call that has ended.
func (c *Call) post(fn func()) {
	c.loop.Post(func() {
		if !c.over() {
			fn()
		}
	})
}

// over tells whether the call has ended. Nothing happens after that.
func (c *Call) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// input is step for inputs that nobody waits for.
func (c *Call) input(in callfsm.Input) {
	if c.over() {
		return
	}
	if err := c.step(in); err != nil {
		c.logger.Debug("input refused", "input", in.Kind.String(), "error", err)
	}
}

// step feeds the state machine and carries out its effects. An input that is
// not legal now gives ErrCallEnded or ErrInvalidState.
func (c *Call) step(in callfsm.Input) error {
	if c.over() {
		return ErrCallEnded
	}
	effects, err := c.machine.Step(time.Now(), in)
	if err != nil {
		if s := c.machine.State(); s == callfsm.StateDisconnecting || s == callfsm.StateDisconnected {
			return fmt.Errorf("%w: %w", ErrCallEnded, err)
		}
		return fmt.Errorf("%w: %w", ErrInvalidState, err)
	}
	for _, e := range effects {
		c.carryOut(e)
	}
	c.arm()
	return nil
}

// arm sets the one timer of the machine. A timer that fires late or twice is
// harmless: the machine compares the time.
func (c *Call) arm() {
	at, ok := c.machine.Deadline()
	if !ok || c.over() {
		if c.timer != nil {
			c.timer.Stop()
		}
		return
	}
	wait := max(0, time.Until(at))
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, func() {
			c.post(func() { c.input(callfsm.Input{Kind: callfsm.InputTimer}) })
		})
		return
	}
	c.timer.Reset(wait)
}

// effect carries out one effect of the machine. It never steps the machine
// itself: what follows from an effect is posted.
func (c *Call) effect(e callfsm.Effect) {
	switch e.Kind {
	case callfsm.EffectNone:
	case callfsm.EffectSend:
		if c.held != nil {
			c.held.add(e.Message)
			return
		}
		c.send(signaling.EncodeCall(c.id, e.Message))
	case callfsm.EffectStateChanged:
		c.stateChanged(e.From, e.To, e.Reason)
	case callfsm.EffectStartMedia:
		c.startMedia(e.Leg)
	case callfsm.EffectMediaAllowed:
		c.mediaAllowed(e.Leg, e.On)
	case callfsm.EffectRestartMedia:
		c.restartMedia(e.Leg)
	case callfsm.EffectStopMedia:
		c.stopMedia(e.Leg)
	case callfsm.EffectOperationDone:
		c.operationDone(e)
	case callfsm.EffectRemoteChanged:
		c.remoteChanged(e.Remote)
	case callfsm.EffectMediaChanged:
		c.updateSending()
	case callfsm.EffectTones:
		for _, tone := range e.Tones {
			c.toneReceived(tone)
		}
	case callfsm.EffectEnded:
		c.ended(e.Reason)
	}
}

// send hands a message to signaling, which delivers it or reports a new session.
func (c *Call) send(m *signaling.Message) {
	if err := c.agent.sig.Send(m); err != nil {
		c.logger.Warn("message not sent", "error", err)
	}
}

// messageReceived applies a message of the service.
func (c *Call) messageReceived(msg callfsm.Message) {
	if err := c.step(callfsm.Input{Kind: callfsm.InputMessage, Message: msg}); err != nil {
		c.logger.Debug("message refused", "kind", msg.Kind.String(), "error", err)
		return
	}
	switch msg.Kind { //nolint:exhaustive // only those by which the service takes what was asked for
	case callfsm.KindStarted, callfsm.KindRinging, callfsm.KindEarlyMedia, callfsm.KindLobby,
		callfsm.KindAccepted, callfsm.KindConfirmed, callfsm.KindReconciled:
		c.setTaken()
	default:
	}
}

// setTaken lets StartCall or Accept return.
func (c *Call) setTaken() {
	if c.over() || c.incoming != nil {
		return
	}
	select {
	case <-c.taken:
	default:
		close(c.taken)
	}
}

// stateChanged records and reports a change of state.
func (c *Call) stateChanged(from, to callfsm.State, reason EndReason) {
	shownFrom, shownTo := callState(from), callState(to)
	if shownFrom == shownTo {
		return
	}
	if to == callfsm.StateDisconnected {
		c.participantGone(reason)
	}
	c.setView(func(v *callView) {
		v.state = shownTo
		if shownTo == CallStateDisconnecting || shownTo == CallStateDisconnected {
			v.reason = reason
		}
	})
	emit(c, c.options.Events.StateChanged, CallStateChanged{Call: c, From: shownFrom, To: shownTo, Reason: reason})
	if to.Established() && !from.Established() {
		c.established()
	}
}

// established begins what a connected call does.
func (c *Call) established() {
	c.flushData()
	c.startStats()
	if c.machine.Shown() != callfsm.StateLocalHold && !c.agent.isActive(c) {
		// Another call was made active while this one was being set up.
		c.post(func() { c.input(callfsm.Input{Kind: callfsm.InputHold}) })
	}
}

// ended is the end of everything: nothing is reported after it.
func (c *Call) ended(reason EndReason) {
	if c.over() {
		return
	}
	c.stopMedia(callfsm.AllLegs)
	// The machine has told the app already, unless the agent was closed.
	if from := c.State(); from != CallStateDisconnected {
		c.participantGone(reason)
		c.setView(func(v *callView) { v.state, v.reason = CallStateDisconnected, reason })
		emit(c, c.options.Events.StateChanged, CallStateChanged{Call: c, From: from, To: CallStateDisconnected, Reason: reason})
	}
	for request, result := range c.pending {
		delete(c.pending, request)
		result <- ErrCallEnded
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.stats != nil {
		c.stats.Stop()
	}
	for _, t := range c.LocalTracks() {
		t.unbind(c)
	}
	close(c.done)
	if c.incoming != nil {
		c.incoming.over(reason)
		c.incoming = nil
	}
	c.agent.remove(c)
	c.logger.Debug("call ended", "reason", reason.String())
	// The loop cannot wait for goroutines that may wait for the loop.
	go func() {
		c.closers.Wait()
		close(c.released)
		c.sessions.Wait()
		c.loop.Close()
		c.agent.torn.Done()
	}()
}

// abort ends the call here and now, without the service.
func (c *Call) abort() {
	c.apply(func() { c.ended(c.EndReason()) })
}

// sendHangUp tells the service that this side leaves, before an abort.
func (c *Call) sendHangUp() {
	c.apply(func() { c.input(callfsm.Input{Kind: callfsm.InputHangUp}) })
}

// operate runs an operation that the other side has to agree to and waits for
// the outcome. prepare runs on the loop before it, undo on the loop when it fails.
func (c *Call) operate(ctx context.Context, prepare func() (callfsm.Input, error), undo func()) error {
	result := make(chan error, 1)
	err := c.do(ctx, func() error {
		in, err := prepare()
		if err != nil {
			return err
		}
		c.request++
		in.Request = c.request
		c.pending[in.Request] = result
		if err := c.step(in); err != nil {
			delete(c.pending, in.Request)
			undo()
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	select {
	case err = <-result:
	case <-c.done:
		return ErrCallEnded
	case <-ctx.Done():
		err = fmt.Errorf("engine: given up: %w", context.Cause(ctx))
	}
	if err != nil {
		c.apply(undo)
	}
	return err
}

func (c *Call) operationDone(e callfsm.Effect) {
	result, ok := c.pending[e.Request]
	if !ok {
		return
	}
	delete(c.pending, e.Request)
	if e.OK {
		result <- nil
		return
	}
	result <- newCallError(e.Reason)
}

func (c *Call) setView(change func(*callView)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.view)
}

func (c *Call) getView() callView {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view
}

// emit queues an event for the app. Only the loop calls it.
func emit[E any](c *Call, handler func(E), event E) {
	if handler != nil {
		c.agent.events.Post(func() { handler(event) })
	}
}

// emitLatest queues an event that replaces a waiting one with the same key.
func emitLatest[E any](c *Call, key string, handler func(E), event E) {
	if handler != nil {
		c.agent.events.PostLatest(latestKey{call: c, event: key}, func() { handler(event) })
	}
}

type latestKey struct {
	call  *Call
	event string
}
