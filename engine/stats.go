package engine

import "time"

// CallStats is a snapshot of a call's media. Names and meanings follow
// webrtc-stats (W3C Identifiers for WebRTC's Statistics API), with times as
// time.Duration. Counters start with the call and never go back.
type CallStats struct {
	// Timestamp is when the snapshot was taken.
	Timestamp time.Time `json:"timestamp"`
	// AudioSource is what the local audio track gives.
	AudioSource MediaSourceStats `json:"media-source"`
	// InboundRTP has one entry for each stream received, audio first.
	InboundRTP []InboundRTPStats `json:"inbound-rtp"`
	// OutboundRTP has one entry for each stream sent, audio first.
	OutboundRTP []OutboundRTPStats `json:"outbound-rtp"`
	// RemoteInboundRTP is what the other side says about each stream sent.
	RemoteInboundRTP []RemoteInboundRTPStats `json:"remote-inbound-rtp"`
	// CandidatePair is the path in use; nil before there is one.
	CandidatePair *CandidatePairStats `json:"candidate-pair,omitempty"`
	// Transport is the connection as a whole.
	Transport TransportStats `json:"transport"`
	// Data counts data messages.
	Data DataStats `json:"data-channel"`
}

// MediaSourceStats describes the local audio before it is encoded.
type MediaSourceStats struct {
	// AudioLevel is the level of the last frame, 0 to 1.
	AudioLevel           float64       `json:"audioLevel"`
	TotalAudioEnergy     float64       `json:"totalAudioEnergy"`
	TotalSamplesDuration time.Duration `json:"totalSamplesDuration"`
}

// InboundRTPStats counts one received stream.
type InboundRTPStats struct {
	Kind  TrackKind `json:"kind"`
	SSRC  uint32    `json:"ssrc"`
	Codec string    `json:"codec"`

	PacketsReceived              uint64        `json:"packetsReceived"`
	PacketsLost                  int64         `json:"packetsLost"`
	PacketsDiscarded             uint64        `json:"packetsDiscarded"`
	RetransmittedPacketsReceived uint64        `json:"retransmittedPacketsReceived"`
	FECPacketsReceived           uint64        `json:"fecPacketsReceived"`
	BytesReceived                uint64        `json:"bytesReceived"`
	HeaderBytesReceived          uint64        `json:"headerBytesReceived"`
	Jitter                       time.Duration `json:"jitter"`
	NACKCount                    uint64        `json:"nackCount"`
	PLICount                     uint64        `json:"pliCount"`

	// Audio.
	JitterBufferDelay              time.Duration `json:"jitterBufferDelay"`
	JitterBufferTargetDelay        time.Duration `json:"jitterBufferTargetDelay"`
	JitterBufferEmittedCount       uint64        `json:"jitterBufferEmittedCount"`
	TotalSamplesReceived           uint64        `json:"totalSamplesReceived"`
	ConcealedSamples               uint64        `json:"concealedSamples"`
	SilentConcealedSamples         uint64        `json:"silentConcealedSamples"`
	ConcealmentEvents              uint64        `json:"concealmentEvents"`
	InsertedSamplesForDeceleration uint64        `json:"insertedSamplesForDeceleration"`
	RemovedSamplesForAcceleration  uint64        `json:"removedSamplesForAcceleration"`
	AudioLevel                     float64       `json:"audioLevel"`
	TotalAudioEnergy               float64       `json:"totalAudioEnergy"`
	TotalSamplesDuration           time.Duration `json:"totalSamplesDuration"`
	// CurrentDelay and TargetDelay are the jitter buffer's delay now. They are
	// not in webrtc-stats.
	CurrentDelay time.Duration `json:"currentDelay"`
	TargetDelay  time.Duration `json:"targetDelay"`

	// Video. A frame counts as decoded when the sink got it.
	FramesReceived       uint64        `json:"framesReceived"`
	FramesDecoded        uint64        `json:"framesDecoded"`
	KeyFramesDecoded     uint64        `json:"keyFramesDecoded"`
	FramesDropped        uint64        `json:"framesDropped"`
	FramesPerSecond      float64       `json:"framesPerSecond"`
	FrameWidth           int           `json:"frameWidth"`
	FrameHeight          int           `json:"frameHeight"`
	FreezeCount          uint64        `json:"freezeCount"`
	TotalFreezesDuration time.Duration `json:"totalFreezesDuration"`
	PauseCount           uint64        `json:"pauseCount"`
	TotalPausesDuration  time.Duration `json:"totalPausesDuration"`
}

// OutboundRTPStats counts one sent stream.
type OutboundRTPStats struct {
	Kind  TrackKind `json:"kind"`
	SSRC  uint32    `json:"ssrc"`
	Codec string    `json:"codec"`

	PacketsSent              uint64 `json:"packetsSent"`
	RetransmittedPacketsSent uint64 `json:"retransmittedPacketsSent"`
	BytesSent                uint64 `json:"bytesSent"`
	HeaderBytesSent          uint64 `json:"headerBytesSent"`
	RetransmittedBytesSent   uint64 `json:"retransmittedBytesSent"`
	TargetBitrate            int    `json:"targetBitrate"`
	NACKCount                uint64 `json:"nackCount"`
	PLICount                 uint64 `json:"pliCount"`
	FramesSent               uint64 `json:"framesSent"`
	KeyFramesEncoded         uint64 `json:"keyFramesEncoded"`
	FrameWidth               int    `json:"frameWidth"`
	FrameHeight              int    `json:"frameHeight"`
	Active                   bool   `json:"active"`
}

// RemoteInboundRTPStats is one sent stream as its receiver reports it.
type RemoteInboundRTPStats struct {
	Kind                      TrackKind     `json:"kind"`
	SSRC                      uint32        `json:"ssrc"`
	PacketsReceived           uint64        `json:"packetsReceived"`
	PacketsLost               int64         `json:"packetsLost"`
	FractionLost              float64       `json:"fractionLost"`
	Jitter                    time.Duration `json:"jitter"`
	RoundTripTime             time.Duration `json:"roundTripTime"`
	TotalRoundTripTime        time.Duration `json:"totalRoundTripTime"`
	RoundTripTimeMeasurements uint64        `json:"roundTripTimeMeasurements"`
}

// CandidateStats describes one end of a path.
type CandidateStats struct {
	Address       string `json:"address"`
	Port          int    `json:"port"`
	Protocol      string `json:"protocol"`
	CandidateType string `json:"candidateType"`
	RelayProtocol string `json:"relayProtocol,omitempty"`
}

// CandidatePairStats describes the path in use.
type CandidatePairStats struct {
	Local                    CandidateStats `json:"local-candidate"`
	Remote                   CandidateStats `json:"remote-candidate"`
	State                    string         `json:"state"`
	Nominated                bool           `json:"nominated"`
	PacketsSent              uint64         `json:"packetsSent"`
	PacketsReceived          uint64         `json:"packetsReceived"`
	BytesSent                uint64         `json:"bytesSent"`
	BytesReceived            uint64         `json:"bytesReceived"`
	CurrentRoundTripTime     time.Duration  `json:"currentRoundTripTime"`
	TotalRoundTripTime       time.Duration  `json:"totalRoundTripTime"`
	AvailableOutgoingBitrate float64        `json:"availableOutgoingBitrate"`
}

// TransportStats describes the connection as a whole.
type TransportStats struct {
	PacketsSent                  uint64 `json:"packetsSent"`
	PacketsReceived              uint64 `json:"packetsReceived"`
	BytesSent                    uint64 `json:"bytesSent"`
	BytesReceived                uint64 `json:"bytesReceived"`
	ICEState                     string `json:"iceState"`
	ICERole                      string `json:"iceRole"`
	DTLSState                    string `json:"dtlsState"`
	DTLSRole                     string `json:"dtlsRole"`
	SRTPCipher                   string `json:"srtpCipher"`
	SelectedCandidatePairChanges uint32 `json:"selectedCandidatePairChanges"`
}

// DataStats counts data messages of all channels, payload bytes.
type DataStats struct {
	MessagesSent     uint64 `json:"messagesSent"`
	BytesSent        uint64 `json:"bytesSent"`
	MessagesReceived uint64 `json:"messagesReceived"`
	BytesReceived    uint64 `json:"bytesReceived"`
}
