package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/slogpion"
	"github.com/pion/webrtc/v4"
)

// Session is one connection to one other end. Make it with New.
type Session struct {
	log     *slog.Logger
	events  Events
	options Options
	pc      *webrtc.PeerConnection
	dtls    *webrtc.DTLSTransport
	net     *pionNet
	keeper  *pathKeeper
	media   [packet.KindVideo + 1]*media // by kind; nil for none
	data    [Lossy + 1]*dataChannel

	// ctx ends when the session is closed; goroutines and dials end with it.
	ctx    context.Context //nolint:containedctx // the life of the session, not of a call
	cancel context.CancelFunc
	wait   sync.WaitGroup
	done   chan struct{}
	order  mailbox

	congestion *congestion
	control    atomic.Pointer[controlWriter]
	headers    sync.Pool
	streams    atomic.Int64
	admitted   atomic.Int64 // candidates of the other side, by any way
	checks     atomic.Uint32
	secured    atomic.Bool
	peerClosed atomic.Bool
	failed     atomic.Bool
	hidden     atomic.Bool
	state      atomic.Uint32
	target     atomic.Int64
	repair     chan struct{}
	repairing  sync.Once
	repairs    atomic.Pointer[map[uint32]uint32] // SSRC of repairs to SSRC of media
	cipher     atomic.Pointer[string]
	passive    atomic.Bool // the other side begins the DTLS handshake

	// negotiating is held while a description is made or taken.
	negotiating sync.Mutex

	mu         sync.Mutex // guards what follows
	offering   bool
	answering  bool
	generation uint32
	remoteSet  bool // the description of the other side for this generation is known
	wasUp      bool
	local      map[uint32]*localCandidates
	early      map[uint32][]string // candidates before their description
	taken      int                 // candidates of this generation
	direct     []netip.AddrPort
	punching   bool
	hurrying   bool
}

// New makes a session. Nothing is sent or gathered before Offer or Answer.
func New(options *Options) (*Session, error) {
	if options == nil {
		options = &Options{}
	}
	o := options.withDefaults()
	audio, video, err := assignPayloadTypes(o.AudioCodecs, o.VideoCodecs)
	if err != nil {
		return nil, err
	}
	servers, streams, err := iceServers(o.ICEServers)
	if err != nil {
		return nil, err
	}
	if o.Certificate == nil {
		if o.Certificate, err = NewCertificate(); err != nil {
			return nil, err
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Session{
		log: o.Logger, events: o.Events, options: o,
		done:   make(chan struct{}),
		repair: make(chan struct{}, 1),
		local:  map[uint32]*localCandidates{},
		early:  map[uint32][]string{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.order.wait = &s.wait
	s.keeper = newPathKeeper(o.Timers.Keepalive, func() { s.spawn(s.check) })
	s.headers.New = func() any { return &header{} }
	s.hidden.Store(o.HideAddresses || o.RelayOnly)
	s.net = newPionNet(o.Net, s.hidden.Load)
	someHere, allHere := onThisMachine(o.ICEServers)
	s.net.loopback = o.IncludeLoopback || someHere || s.net.onlyLoopback()
	s.net.noReflexive = allHere
	s.media[packet.KindAudio] = newMedia(packet.KindAudio, audio)
	if len(video) > 0 {
		s.media[packet.KindVideo] = newMedia(packet.KindVideo, video)
	}
	if err := s.build(servers, streams); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// build makes the connection of the stack below.
func (s *Session) build(servers []webrtc.ICEServer, streams map[string]bool) error {
	o := &s.options
	settings, err := s.settings(o, streams)
	if err != nil {
		return err
	}
	codecs, err := mediaEngine(s.media[packet.KindAudio].ours, s.videoCodecs())
	if err != nil {
		return err
	}
	registry, err := s.interceptors(o, slogpion.NewFactory(o.Logger))
	if err != nil {
		return err
	}
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(codecs), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(registry))
	policy := webrtc.ICETransportPolicyAll
	if o.RelayOnly {
		policy = webrtc.ICETransportPolicyRelay
	}
	s.pc, err = api.NewPeerConnection(webrtc.Configuration{
		ICEServers: servers, ICETransportPolicy: policy, BundlePolicy: webrtc.BundlePolicyMaxBundle,
		Certificates: []webrtc.Certificate{o.Certificate.certificate},
	})
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrInvalidOptions, err), s.congestion.Close())
	}
	s.pc.OnICECandidate(s.onCandidate)
	s.pc.OnTrack(s.onTrack)
	s.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.poke() })
	s.dtls = s.pc.SCTP().Transport()
	s.dtls.OnStateChange(s.onDTLS)
	s.pc.SCTP().OnClose(s.onDataEnd)
	s.dtls.ICETransport().OnSelectedCandidatePairChange(s.keeper.onSelected)
	if err := s.openData(); err != nil {
		return errors.Join(err, s.pc.Close())
	}
	return nil
}

func (s *Session) videoCodecs() []offered {
	if m := s.media[packet.KindVideo]; m != nil {
		return m.ours
	}
	return nil
}

// State returns the present state.
func (s *Session) State() State { return State(s.state.Load()) } //nolint:gosec // only states are stored

// observe computes the state from what the stack below says now.
func (s *Session) observe() State {
	if s.ctx.Err() != nil {
		return StateClosed
	}
	if s.failed.Load() {
		return StateFailed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.pc.ConnectionState() {
	case webrtc.PeerConnectionStateConnected:
		if s.peerClosed.Load() {
			return StateLost
		}
		s.wasUp = true
		return StateConnected
	case webrtc.PeerConnectionStateDisconnected:
		return StateLost
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		return StateFailed
	case webrtc.PeerConnectionStateConnecting:
		if s.wasUp {
			// A restart: nothing gets through until it has found a path.
			return StateLost
		}
		return StateConnecting
	case webrtc.PeerConnectionStateNew, webrtc.PeerConnectionStateUnknown:
		if s.wasUp {
			return StateLost
		}
		return StateNew
	default:
		return StateNew
	}
}

// poke tells the application when the state is another one than before. The
// stack below tells of changes in no order, so the state is asked for, not told.
func (s *Session) poke() {
	s.order.post(func() { s.publish(s.observe()) })
}

func (s *Session) publish(next State) {
	if State(s.state.Swap(uint32(next))) == next { //nolint:gosec // only states are stored
		return
	}
	s.log.Debug("session state", slog.String("state", next.String()))
	if s.events.StateChanged != nil {
		s.events.StateChanged(next)
	}
	if next == StateConnected {
		s.pokeBitrate()
	}
}

func (s *Session) onDTLS(state webrtc.DTLSTransportState) {
	if state == webrtc.DTLSTransportStateConnected {
		s.cipher.Store(cipherOf(s.dtls))
		s.secured.Store(true)
	}
	s.poke()
}

// onDataEnd is called when the association of the data channels ended. It never
// gives up by itself, so the other side has closed the session; that DTLS was
// closed is told to nobody.
func (s *Session) onDataEnd(error) {
	s.secured.Store(false)
	s.peerClosed.Store(true)
	s.poke()
}

// fail gives the session up because of what the other side does.
func (s *Session) fail(reason string) {
	if s.failed.CompareAndSwap(false, true) {
		s.log.Info("session failed", slog.String("reason", reason))
		s.secured.Store(false)
		s.poke()
		// On a goroutine of the stack below, which must not wait for itself.
		s.spawn(func() { _ = s.pc.Close() })
	}
}

// pokeBitrate tells the application the target bitrate if it changed.
func (s *Session) pokeBitrate() {
	s.order.post(func() {
		bps := s.targetBitrate()
		if s.target.Swap(int64(bps)) != int64(bps) && s.events.TargetBitrate != nil {
			s.events.TargetBitrate(bps)
		}
	})
}

func (s *Session) targetBitrate() int {
	b := &s.options.Bitrate
	return min(max(s.congestion.estimator.GetTargetBitrate(), b.Min), b.Max)
}

// spawn runs f on a goroutine that the end of the session waits for. It does
// nothing once the session was closed.
func (s *Session) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil {
		s.wait.Go(f)
	}
}

// onTrack keeps the readers of a received stream going; wire has what they read.
func (s *Session) onTrack(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	read := func(read func([]byte) error) {
		b := make([]byte, receiveMTU)
		for {
			// Other errors are about one packet.
			if err := read(b); ended(err) || s.ctx.Err() != nil {
				return
			}
		}
	}
	s.spawn(func() {
		read(func(b []byte) error { _, _, err := t.Read(b); return err })
	})
	s.spawn(func() {
		read(func(b []byte) error { _, _, err := r.Read(b); return err })
	})
}

// readFeedback keeps the reader of what comes back about a sent stream going.
func (s *Session) readFeedback(sender *webrtc.RTPSender) {
	s.spawn(func() {
		b := make([]byte, receiveMTU)
		for {
			if _, _, err := sender.Read(b); ended(err) || s.ctx.Err() != nil {
				return
			}
		}
	})
}

// ended tells whether a stream is at its end.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
}

func (s *Session) emitPacket(kind packet.Kind, p *packet.Packet) {
	if s.events.Packet != nil && s.ctx.Err() == nil {
		s.events.Packet(kind, p)
	}
}

// Close ends the session. It is idempotent, may be called from a handler and
// does not wait for handlers; Done tells when everything has ended. The other
// side sees the session as Lost.
func (s *Session) Close() error {
	s.mu.Lock()
	closed := s.ctx.Err() != nil
	s.cancel()
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.secured.Store(false)
	s.order.end(func() { s.publish(StateClosed) })
	go func() {
		// What is added to a connection while it closes would stay for ever. A
		// negotiation that begins later finds the session closed.
		s.negotiating.Lock()
		s.negotiating.Unlock() //nolint:staticcheck // it waits for one under way
		// A relay that does not answer would hold up the rest.
		patience := time.AfterFunc(relayPatience, s.net.abandon)
		// This waits for the goroutines of the stack below, handlers that they
		// are in included.
		if err := s.pc.GracefulClose(); err != nil {
			s.log.Debug("session close", slog.String("error", err.Error()))
		}
		patience.Stop()
		s.net.again.stop()
		s.net.hangUp()
		s.wait.Wait()
		close(s.done)
	}()
	return nil
}

// Done is closed when Close was called and every goroutine of the session has
// ended. Do not wait for it in a handler.
func (s *Session) Done() <-chan struct{} { return s.done }
