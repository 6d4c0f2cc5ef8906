package transport

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

// The limits that hold for every session.
const (
	// MaxMessageSize is the largest data message in bytes, both directions: 32 KB
	// of an application and room for what the engine puts before them.
	MaxMessageSize = 32<<10 + 64
	// MaxBufferedAmount is how many bytes SendData queues per reliability
	// before it returns ErrBufferFull.
	MaxBufferedAmount = 1 << 20
	// MaxPayloadSize is the largest RTP payload in bytes that WritePacket
	// takes, so that a packet fits a path of 1280 bytes together with its
	// headers, its header extensions, its SRTP tag and a relay's framing.
	MaxPayloadSize = 1180
	// MaxRemoteCandidates is how many candidates of the other side a session
	// takes for each generation.
	MaxRemoteCandidates = 64
	// MaxCandidateSize is the largest candidate line in bytes.
	MaxCandidateSize = 512
	// MaxDescriptionSize is the largest session description in bytes.
	MaxDescriptionSize = 64 << 10
)

// Net is the network below a session. Its methods use only types of the
// standard library, so that an emulated network fits without importing this
// package.
type Net interface {
	// Addrs lists the addresses of this host with their prefix lengths, those
	// of loopback interfaces included.
	Addrs() ([]netip.Prefix, error)
	// ListenPacket opens a UDP socket; network is "udp4" or "udp6", port 0 picks one.
	ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error)
	// DialContext opens a stream connection; network is "tcp", "tcp4" or "tcp6".
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// ICEServer is a STUN or TURN server.
type ICEServer struct {
	// URLs are "stun:host:port", "turn:host:port?transport=udp" and "turn" or
	// "turns" with transport=tcp (RFC 7064, RFC 7065).
	URLs []string
	// Username and Credential are those of the TURN server.
	Username, Credential string
}

// Timers are the intervals of path finding and of the data channels. Zero
// fields mean the value given at each.
type Timers struct {
	// Disconnected is how long nothing is heard before the session is Lost; zero means 5 s.
	Disconnected time.Duration
	// Failed is how long a session stays Lost before it is Failed; zero means
	// 120 s, the reconnect time of a call.
	Failed time.Duration
	// Keepalive is the interval of checks, on the path in use and on those that
	// may take its place; zero means 1 s. A path without answers for two and a
	// half intervals is left for another one.
	Keepalive time.Duration
	// Gather is how long the answer of a STUN or TURN server is waited for; zero means 5 s.
	Gather time.Duration
	// DTLSRetransmit is the first retransmission interval of the DTLS
	// handshake, doubled each time; zero means 75 ms (RFC 6347 4.2.4.1 allows
	// less than a second for applications that know their needs).
	DTLSRetransmit time.Duration
	// SCTPMaxRTO is the longest retransmission time-out of the data channels; zero means 3 s.
	SCTPMaxRTO time.Duration
}

// BitrateLimits bound the target bitrate of congestion control, in bits per
// second. Zero fields mean the value given at each.
type BitrateLimits struct {
	// Min is the lower bound; zero means 30,000.
	Min int
	// Start is the first target; zero means 600,000.
	Start int
	// Max is the upper bound; zero means 4,000,000.
	Max int
}

// Options configures a Session. It is read once, by New.
type Options struct {
	// Logger receives what the session has to say; nil is silent.
	Logger *slog.Logger
	// Net is the network; nil means the operating system's.
	Net Net
	// ICEServers are the STUN and TURN servers; none means host candidates only.
	ICEServers []ICEServer
	// RootCAs verify TURN servers over TLS; nil means those of the system.
	RootCAs *x509.CertPool
	// AudioCodecs are the audio codecs by preference, telephone-event
	// included where wanted. At least one is needed.
	AudioCodecs []packet.Codec
	// VideoCodecs are the video codecs by preference; retransmission formats
	// (RFC 4588) are added to each. Empty means no video section.
	VideoCodecs []packet.Codec
	// HideAddresses withholds all candidates but relay ones until RevealAddresses.
	HideAddresses bool
	// RelayOnly uses relay candidates only, for the whole session.
	RelayOnly bool
	// IncludeLoopback makes loopback addresses candidates too, for a call
	// within one machine. When a host has no other address, or a server is on
	// this machine, they are used anyway.
	IncludeLoopback bool
	// Certificate identifies this end in the DTLS handshake; nil makes one,
	// which costs a key generation.
	Certificate *Certificate
	// Timers are the intervals; the zero value means the defaults.
	Timers Timers
	// Bitrate bounds congestion control; the zero value means the defaults.
	Bitrate BitrateLimits
	// Events receives what happens; nil fields are not called.
	Events Events
}

// Events are the handlers of a session. See the package comment for threads.
type Events struct {
	// Candidates gives candidates for the other side.
	Candidates func(CandidateBatch)
	// StateChanged tells the new state.
	StateChanged func(State)
	// Packet gives a received media packet; the packet is the handler's.
	Packet func(packet.Kind, *packet.Packet)
	// KeyFrameRequest tells that the other side needs a key frame of our video.
	KeyFrameRequest func()
	// TargetBitrate gives what congestion control allows for all media sent
	// together, first when the session is connected, then whenever it changes.
	TargetBitrate func(bps int)
	// Report gives what the other side says about our media.
	Report func(packet.Report)
	// DataOpen tells that messages of that reliability can be sent.
	DataOpen func(Reliability)
	// Data gives a received message; the bytes are the handler's.
	Data func(Reliability, []byte)
}
