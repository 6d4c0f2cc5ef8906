package transport

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/parley-rtc/parley/internal/slogpion"
	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"
)

const (
	// receiveMTU is larger than any packet that a path carries in one piece.
	receiveMTU = 1500
	// nackHistory is how many sent packets of video are kept for repair.
	nackHistory = 1024
	// maxStreams is how many sources a session receives; beyond it the other
	// side means harm, because each costs memory.
	maxStreams = 256
	// streamBuffer bounds what waits in one stream when nobody reads it.
	streamBuffer = 512 << 10
)

// maxChecks is how often a pair is tried before it is given up. Checks are
// sent more often than the stack below does by itself, see hurry.
const maxChecks = 100

// never is an interval that no session lives to see.
const never = time.Duration(math.MaxInt64)

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	t := &o.Timers
	def(&t.Disconnected, 5*time.Second)
	def(&t.Failed, 120*time.Second)
	def(&t.Keepalive, time.Second)
	def(&t.Gather, 5*time.Second)
	def(&t.DTLSRetransmit, 75*time.Millisecond)
	def(&t.SCTPMaxRTO, 3*time.Second)
	b := &o.Bitrate
	if b.Min <= 0 {
		b.Min = 30_000
	}
	if b.Max <= 0 {
		b.Max = 4_000_000
	}
	if b.Start <= 0 {
		b.Start = 600_000
	}
	b.Max = max(b.Max, b.Min)
	b.Start = min(max(b.Start, b.Min), b.Max)
	return o
}

// settings configures the stack below.
func (s *Session) settings(o *Options, streams map[string]bool) (webrtc.SettingEngine, error) {
	var e webrtc.SettingEngine
	e.LoggerFactory = slogpion.NewFactory(o.Logger)
	e.SetNet(s.net)
	e.SetICEProxyDialer(&relayDialer{
		ctx: s.ctx, net: s.net, roots: o.RootCAs, timeout: o.Timers.Gather, tls: streams,
	})
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	e.DisableActiveTCP(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIncludeLoopbackCandidate(s.net.loopback)
	e.SetRemoteIPFilter(s.admitRemote)
	e.SetICETimeouts(o.Timers.Disconnected, o.Timers.Failed, o.Timers.Keepalive)
	e.SetSTUNGatherTimeout(o.Timers.Gather)
	// The first pair that works is taken; a better one follows, see pathKeeper.
	e.SetHostAcceptanceMinWait(0)
	e.SetSrflxAcceptanceMinWait(0)
	e.SetPrflxAcceptanceMinWait(0)
	e.SetRelayAcceptanceMinWait(0)
	// Automatic renomination is on for what it does besides: the controlling
	// side goes on checking every pair. Its own choice, by round trip times that
	// jitter, is put off for ever.
	if err := e.SetICERenomination(webrtc.WithRenominationInterval(never)); err != nil {
		return e, fmt.Errorf("transport: renomination: %w", err)
	}
	e.SetICEBindingRequestHandler(s.keeper.onRequest)
	e.SetICEMaxBindingRequests(maxChecks)

	e.SetDTLSRetransmissionInterval(o.Timers.DTLSRetransmit)
	// The cookie exchange guards against forged addresses; here every packet
	// comes over a pair that ICE has checked.
	e.SetDTLSInsecureSkipHelloVerify(true)
	// AEAD first: half the time for each packet (RFC 7714).
	e.SetSRTPProtectionProfiles(
		dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80,
	)
	// The far end of signaling says when a call is over; until then a closed
	// session counts as lost.
	e.DisableCloseByDTLS(true)

	e.SetSCTPRTOMax(o.Timers.SCTPMaxRTO)
	e.SetSCTPMaxMessageSize(MaxMessageSize)
	e.EnableSctpSnap(true)
	e.SetReceiveMTU(receiveMTU)
	e.SetFireOnTrackBeforeFirstRTP(true)
	e.BufferFactory = s.streamBuffer
	return e, nil
}

// streamBuffer makes the buffer of a received stream, and ends the session when
// there are too many of them.
func (s *Session) streamBuffer(packetio.BufferPacketType, uint32) io.ReadWriteCloser {
	// RTP and RTCP have a buffer each.
	if s.streams.Add(1) > 2*maxStreams {
		s.fail("too many streams")
	}
	b := packetio.NewBuffer()
	b.SetLimitSize(streamBuffer)
	return b
}

// interceptors are what packets pass on their way, the first one next to the wire.
func (s *Session) interceptors(o *Options, factory logging.LoggerFactory) (*interceptor.Registry, error) {
	responder, err := nack.NewResponderInterceptor(nack.ResponderSize(nackHistory), nack.WithResponderLoggerFactory(factory))
	if err != nil {
		return nil, fmt.Errorf("transport: repair: %w", err)
	}
	numbers, err := twcc.NewHeaderExtensionInterceptor()
	if err != nil {
		return nil, fmt.Errorf("transport: transport-wide numbers: %w", err)
	}
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(factory))
	if err != nil {
		return nil, fmt.Errorf("transport: transport-wide feedback: %w", err)
	}
	receiver, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(factory))
	if err != nil {
		return nil, fmt.Errorf("transport: receiver reports: %w", err)
	}
	sender, err := report.NewSenderInterceptor(report.WithSenderLoggerFactory(factory))
	if err != nil {
		return nil, fmt.Errorf("transport: sender reports: %w", err)
	}
	s.congestion, err = newCongestion(o, s.pokeBitrate)
	if err != nil {
		return nil, err
	}
	var r interceptor.Registry
	r.Add(ready{&wire{session: s}})
	r.Add(ready{s.congestion})
	// Above this one everything has a transport-wide number, repairs too.
	r.Add(numbers)
	r.Add(responder)
	r.Add(receiver)
	r.Add(sender)
	r.Add(feedback)
	return &r, nil
}

// ready is a factory of an interceptor that exists.
type ready struct{ interceptor.Interceptor }

// NewInterceptor returns it.
func (r ready) NewInterceptor(string) (interceptor.Interceptor, error) { return r.Interceptor, nil }
