package callfsm_test

import (
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// The model: a caller, a service and up to three devices of the callee on
// virtual time, as a discrete event simulation. There are no goroutines: one
// seed is one schedule, always the same. Half of the worlds have a second call
// the other way round at the same time (glare). The channel is the one that
// signaling guarantees; faults.go of the model breaks it in the ways that
// signaling may break.

const (
	numAgents = 4 // agent 0 is the caller, 1 to 3 are the callee's devices
	numCalls  = 2 // call 0 goes from agent 0 to 1–3, call 1 from agent 1 to 0
	numLegs   = 4
)

type (
	ns    = int64
	leg   = callfsm.Leg
	agent = uint8
)

const (
	ms  = ns(time.Millisecond)
	sec = ns(time.Second)
)

// what an event is; the fields a, b and n depend on it.
type eventKind uint8

const (
	evApp           eventKind = iota // call b, leg a: the app does n (an action)
	evMachineTimer                   // call b, leg a
	evServiceTimer                   // call b
	evDeliverUp                      // agent a, session n: the head of its queue to the service
	evDeliverDown                    // agent a, session n: the head of its queue from the service
	evCut                            // agent a: its network is gone for n
	evClientNotices                  // agent a, session n
	evServerNotices                  // agent a, session n
	evRetention                      // agent a, session n
	evBack                           // agent a: its network is there again
	evDrop                           // agent a: the service drops its session
	evCrash                          // agent a: the process is gone, back after n (0: never)
	evReboot                         // agent a
	evServiceCrash                   // n != 0: in the middle of the effects of a step
	evServiceUp                      //
	evOffer                          // call b, device leg a: its offer is made
	evAnswer                         // call b, leg a: the caller's answer to offer n is made
	evPath                           // call b, leg a: end n&1 of the path changes to n>>1
	evMediaFailed                    // call b, leg a: end n&1 cannot set up media
	evPathFault                      // call b, leg a: the path breaks as n says
	evGateway                        // call b, leg a: the gateway sends a message of kind n
	evServiceEnds                    // call b
)

type event struct {
	at   ns
	tie  uint32
	kind eventKind
	a, b uint8
	n    int64
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.tie < o.tie
}

// world is one schedule. It is used again and again to keep the model fast.
type world struct {
	rng    uint64
	now    ns
	seq    uint32
	heap   []event
	agents [numAgents]agentState
	calls  [numCalls]callState
	down   bool // the service is down
	// crashIn counts the effects until the service crashes, 0 is never.
	crashIn int
	// calmAt is when the last fault is over.
	calmAt  ns
	delay   ns
	effects []callfsm.Effect
	service []callfsm.CoordinatorEffect
	err     error
	stats   *coverage
	log     func(format string, args ...any)
}

// coverage counts what a run of many schedules has seen.
type coverage struct {
	machine     [callfsm.StateDisconnected + 1][symbolCount]uint64
	coordinator [callfsm.CoordinatorEnded + 1][symbolCount]uint64
	refused     uint64
	timers      map[string]uint64
	ends        map[callfsm.EndReason]uint64
	steps       uint64
	connected   uint64
}

// A symbol is an input kind, or a message kind behind all of them.
const symbolCount = 32 + int(callfsm.MaxMessageKind) + 1

func symbolOf(in *callfsm.Input) int {
	if in.Kind == callfsm.InputMessage {
		return 32 + int(in.Message.Kind)
	}
	return int(in.Kind)
}

func newCoverage() *coverage {
	return &coverage{timers: map[string]uint64{}, ends: map[callfsm.EndReason]uint64{}}
}

func (w *world) rand() uint64 {
	// splitmix64: one addition and three mixing rounds.
	w.rng += 0x9e3779b97f4a7c15
	z := w.rng
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns 0 to n-1.
func (w *world) below(n int64) int64 { return int64(w.rand() % uint64(n)) } //nolint:gosec // n is positive

// percent is true p times in a hundred.
func (w *world) percent(p int64) bool { return w.below(100) < p }

func (w *world) time() time.Time { return start.Add(time.Duration(w.now)) }

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %v: "+format, append([]any{time.Duration(w.now)}, args...)...)
	}
}

// push plans an event. Events of one moment come in random order.
func (w *world) push(in ns, kind eventKind, a, b uint8, n int64) {
	e := event{at: w.now + in, tie: uint32(w.rand()), kind: kind, a: a, b: b, n: n}
	w.heap = append(w.heap, e)
	i := len(w.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !w.heap[i].before(&w.heap[up]) {
			break
		}
		w.heap[i], w.heap[up] = w.heap[up], w.heap[i]
		i = up
	}
}

func (w *world) pop() event {
	top := w.heap[0]
	last := len(w.heap) - 1
	w.heap[0] = w.heap[last]
	w.heap = w.heap[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && w.heap[c+1].before(&w.heap[c]) {
			c++
		}
		if !w.heap[c].before(&w.heap[i]) {
			break
		}
		w.heap[c], w.heap[i] = w.heap[i], w.heap[c]
		i = c
	}
	return top
}

// run plays one schedule to its end and returns the first broken invariant.
func (w *world) run(seed uint64) error {
	w.reset(seed)
	w.plan()
	for steps := 0; len(w.heap) > 0 && w.err == nil; steps++ {
		if steps > 20000 {
			w.fail("the schedule does not come to an end")
			break
		}
		e := w.pop()
		if e.at < w.now {
			w.fail("time runs backwards")
		}
		w.now = e.at
		w.handle(&e)
	}
	if w.err == nil {
		w.checkEnd()
	}
	return w.err
}

func (w *world) reset(seed uint64) {
	w.rng = seed*0x2545f4914f6cdd1d + 1
	w.now, w.seq, w.err, w.down, w.crashIn, w.calmAt = 0, 0, nil, false, 0, 0
	w.heap = w.heap[:0]
	for i := range w.agents {
		w.agents[i].reset()
	}
	for i := range w.calls {
		w.calls[i].reset(uint8(i))
	}
}

func (w *world) handle(e *event) {
	switch e.kind {
	case evApp:
		w.app(e.b, leg(e.a), action(e.n))
	case evMachineTimer:
		w.machineTimer(e.b, leg(e.a))
	case evServiceTimer:
		w.serviceTimer(e.b)
	case evDeliverUp:
		w.deliverUp(e.a, e.n)
	case evDeliverDown:
		w.deliverDown(e.a, e.n)
	case evCut:
		w.cut(e.a, e.n)
	case evClientNotices:
		w.clientNotices(e.a, e.n)
	case evServerNotices:
		w.serverNotices(e.a, e.n)
	case evRetention:
		w.retention(e.a, e.n)
	case evBack:
		w.back(e.a)
	case evDrop:
		w.dropSession(e.a)
	case evCrash:
		w.crash(e.a, e.n)
	case evReboot:
		w.reboot(e.a)
	case evServiceCrash:
		w.serviceCrash(e.n)
	case evServiceUp:
		w.serviceUp()
	case evOffer:
		w.offer(e.b, leg(e.a))
	case evAnswer:
		w.answer(e.b, leg(e.a), e.n)
	case evPath:
		w.pathEvent(e.b, leg(e.a), e.n)
	case evMediaFailed:
		w.mediaFailed(e.b, leg(e.a), e.n)
	case evPathFault:
		w.pathFault(e.b, leg(e.a), e.n)
	case evServiceEnds:
		if w.calls[e.b].coordinator != nil {
			end := callfsm.CoordinatorInput{Kind: callfsm.CoordinatorEnd, Reason: callfsm.ReasonServiceStopping.Reason()}
			w.feedCoordinator(e.b, end)
		}
		if w.calls[e.b].coordinator != nil {
			w.feedCoordinator(e.b, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorTimer})
		}
	case evGateway:
		m := callfsm.Message{Kind: callfsm.MessageKind(e.n), Leg: leg(e.a), Reason: callfsm.PSTNReason(404, false)}
		if w.agents[e.a].alive {
			w.sendUp(e.a, item{call: e.b, msg: m})
		}
	}
}
