package transport

import (
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

// Stats is a snapshot of a session. Names and meanings follow webrtc-stats
// (W3C Identifiers for WebRTC's Statistics API); durations are durations.
type Stats struct {
	// Timestamp is when the snapshot was taken.
	Timestamp time.Time `json:"timestamp"`
	// InboundRTP is one entry for each stream received.
	InboundRTP []InboundRTPStats `json:"inbound-rtp"`
	// OutboundRTP is one entry for each stream sent.
	OutboundRTP []OutboundRTPStats `json:"outbound-rtp"`
	// RemoteInboundRTP is what the other side says about each stream sent.
	RemoteInboundRTP []RemoteInboundRTPStats `json:"remote-inbound-rtp"`
	// RemoteOutboundRTP is what the other side says about each stream received.
	RemoteOutboundRTP []RemoteOutboundRTPStats `json:"remote-outbound-rtp"`
	// CandidatePair is the path in use; nil before there is one.
	CandidatePair *CandidatePairStats `json:"candidate-pair,omitempty"`
	// Transport is the connection as a whole.
	Transport TransportStats `json:"transport"`
}

// InboundRTPStats counts one received stream.
type InboundRTPStats struct {
	Kind                         string        `json:"kind"`
	SSRC                         uint32        `json:"ssrc"`
	Codec                        packet.Codec  `json:"codec"`
	PacketsReceived              uint64        `json:"packetsReceived"`
	PacketsLost                  int64         `json:"packetsLost"`
	Jitter                       time.Duration `json:"jitter"`
	BytesReceived                uint64        `json:"bytesReceived"`
	HeaderBytesReceived          uint64        `json:"headerBytesReceived"`
	LastPacketReceivedTimestamp  time.Time     `json:"lastPacketReceivedTimestamp"`
	NACKCount                    uint32        `json:"nackCount"`
	PLICount                     uint32        `json:"pliCount"`
	FIRCount                     uint32        `json:"firCount"`
	RetransmittedPacketsReceived uint64        `json:"retransmittedPacketsReceived"`
}

// OutboundRTPStats counts one sent stream.
type OutboundRTPStats struct {
	Kind                     string       `json:"kind"`
	SSRC                     uint32       `json:"ssrc"`
	Codec                    packet.Codec `json:"codec"`
	PacketsSent              uint64       `json:"packetsSent"`
	BytesSent                uint64       `json:"bytesSent"`
	HeaderBytesSent          uint64       `json:"headerBytesSent"`
	RetransmittedPacketsSent uint64       `json:"retransmittedPacketsSent"`
	RetransmittedBytesSent   uint64       `json:"retransmittedBytesSent"`
	NACKCount                uint32       `json:"nackCount"`
	PLICount                 uint32       `json:"pliCount"`
	FIRCount                 uint32       `json:"firCount"`
	TargetBitrate            float64      `json:"targetBitrate"`
}

// RemoteInboundRTPStats is one sent stream as the receiver reports it.
type RemoteInboundRTPStats struct {
	Kind                      string        `json:"kind"`
	SSRC                      uint32        `json:"ssrc"`
	PacketsReceived           uint64        `json:"packetsReceived"`
	PacketsLost               int64         `json:"packetsLost"`
	Jitter                    time.Duration `json:"jitter"`
	FractionLost              float64       `json:"fractionLost"`
	RoundTripTime             time.Duration `json:"roundTripTime"`
	TotalRoundTripTime        time.Duration `json:"totalRoundTripTime"`
	RoundTripTimeMeasurements uint64        `json:"roundTripTimeMeasurements"`
}

// RemoteOutboundRTPStats is one received stream as its sender reports it.
type RemoteOutboundRTPStats struct {
	Kind            string    `json:"kind"`
	SSRC            uint32    `json:"ssrc"`
	PacketsSent     uint64    `json:"packetsSent"`
	BytesSent       uint64    `json:"bytesSent"`
	RemoteTimestamp time.Time `json:"remoteTimestamp"`
	ReportsSent     uint64    `json:"reportsSent"`
}

// CandidateStats describes one end of a path.
type CandidateStats struct {
	Address       string `json:"address"`
	Port          int    `json:"port"`
	Protocol      string `json:"protocol"`
	CandidateType string `json:"candidateType"`
	Priority      uint32 `json:"priority"`
	RelayProtocol string `json:"relayProtocol,omitempty"`
}

// CandidatePairStats describes the path in use.
type CandidatePairStats struct {
	Local                    CandidateStats `json:"local-candidate"`
	Remote                   CandidateStats `json:"remote-candidate"`
	State                    string         `json:"state"`
	Nominated                bool           `json:"nominated"`
	BytesSent                uint64         `json:"bytesSent"`
	BytesReceived            uint64         `json:"bytesReceived"`
	PacketsSent              uint64         `json:"packetsSent"`
	PacketsReceived          uint64         `json:"packetsReceived"`
	CurrentRoundTripTime     time.Duration  `json:"currentRoundTripTime"`
	TotalRoundTripTime       time.Duration  `json:"totalRoundTripTime"`
	AvailableOutgoingBitrate float64        `json:"availableOutgoingBitrate"`
}

// TransportStats describes the connection as a whole.
//
//nolint:revive // the name of webrtc-stats
type TransportStats struct {
	BytesSent                    uint64 `json:"bytesSent"`
	BytesReceived                uint64 `json:"bytesReceived"`
	PacketsSent                  uint64 `json:"packetsSent"`
	PacketsReceived              uint64 `json:"packetsReceived"`
	ICEState                     string `json:"iceState"`
	ICERole                      string `json:"iceRole"`
	DTLSState                    string `json:"dtlsState"`
	DTLSRole                     string `json:"dtlsRole"`
	SRTPCipher                   string `json:"srtpCipher"`
	SelectedCandidatePairChanges uint32 `json:"selectedCandidatePairChanges"`
}
