package engine

// LocalTrack is media that this side sends: a *LocalAudioTrack or a
// *LocalVideoTrack. A track belongs to at most one call at a time.
type LocalTrack interface {
	// Kind tells audio from video.
	Kind() TrackKind
	local()
}

// TrackKind tells audio from video.
type TrackKind uint8

// The kinds of tracks.
const (
	TrackKindAudio TrackKind = iota + 1
	TrackKindVideo
)

// String returns "audio" or "video".
func (k TrackKind) String() string {
	switch k {
	case TrackKindAudio:
		return "audio"
	case TrackKindVideo:
		return "video"
	default:
		return "unknown"
	}
}

// LocalAudioTrack is outgoing audio.
type LocalAudioTrack struct{}

// NewLocalAudioTrack makes a track of a source. A nil source is silence, until
// SetSource.
func NewLocalAudioTrack(source AudioSource) *LocalAudioTrack { return &LocalAudioTrack{} }

// Kind returns TrackKindAudio.
func (t *LocalAudioTrack) Kind() TrackKind { return TrackKindAudio }

// SetSource changes what the track sends, at once, also in the middle of a
// call. The track does not close sources.
func (t *LocalAudioTrack) SetSource(source AudioSource) {}

func (t *LocalAudioTrack) local() {}

// LocalVideoTrack is outgoing video.
type LocalVideoTrack struct{}

// NewLocalVideoTrack makes a track of a source of encoded frames.
func NewLocalVideoTrack(source VideoSource) *LocalVideoTrack { return &LocalVideoTrack{} }

// Kind returns TrackKindVideo.
func (t *LocalVideoTrack) Kind() TrackKind { return TrackKindVideo }

// SetSource changes what the track sends, also in the middle of a call. The
// new source must give the codec of the old one; otherwise the call it is in
// sends nothing and Events.TrackEnded tells ErrUnsupported.
func (t *LocalVideoTrack) SetSource(source VideoSource) {}

func (t *LocalVideoTrack) local() {}

// RemoteVideoTrack is incoming video.
type RemoteVideoTrack struct{}

// Participant returns who sends it.
func (t *RemoteVideoTrack) Participant() *RemoteParticipant { return nil }

// SetSink changes where its frames go, beginning with a key frame. Nil: nowhere.
func (t *RemoteVideoTrack) SetSink(sink VideoSink) {}

// MarshalText makes a kind "audio" or "video" in JSON.
func (k TrackKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
