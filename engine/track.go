package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/parley-rtc/parley/media"
)

// LocalTrack is media that this side sends: a *LocalAudioTrack or a
// *LocalVideoTrack. The same track may be given to several calls of a client,
// as one microphone serves them all: only calls that are not on hold read its
// source, one at a time.
type LocalTrack interface {
	// Kind tells audio from video.
	Kind() TrackKind
	// unbind keeps other types out of the interface.
	unbind(c *Call)
}

// TrackKind tells audio from video.
type TrackKind uint8

// The kinds of tracks.
const (
	// TrackKindAudio is audio.
	TrackKindAudio TrackKind = iota + 1
	// TrackKindVideo is video.
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

// MarshalText makes a kind "audio" or "video" in JSON.
func (k TrackKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *TrackKind) UnmarshalText(text []byte) error {
	switch string(text) {
	case "audio":
		*k = TrackKindAudio
	case "video":
		*k = TrackKindVideo
	default:
		return errors.New("engine: unknown kind of track")
	}
	return nil
}

// boundCalls are the calls that a track was given to.
type boundCalls struct {
	mu    sync.Mutex
	calls []*Call
}

func (b *boundCalls) add(c *Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.calls, c) {
		b.calls = append(b.calls, c)
	}
}

func (b *boundCalls) remove(c *Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = slices.DeleteFunc(b.calls, func(o *Call) bool { return o == c })
}

func (b *boundCalls) all() []*Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// LocalAudioTrack is outgoing audio.
type LocalAudioTrack struct {
	bound   boundCalls
	reading sync.Mutex // one call at a time reads the source

	mu     sync.Mutex
	source AudioSource
}

// NewLocalAudioTrack makes a track of a source. A nil source is silence, until
// SetSource.
func NewLocalAudioTrack(source AudioSource) *LocalAudioTrack {
	return &LocalAudioTrack{source: source}
}

// Kind returns TrackKindAudio.
func (t *LocalAudioTrack) Kind() TrackKind { return TrackKindAudio }

// SetSource changes what the track sends, at once, also in the middle of a
// call. Nil is silence. The track does not close sources.
func (t *LocalAudioTrack) SetSource(source AudioSource) {
	t.mu.Lock()
	t.source = source
	t.mu.Unlock()
	for _, c := range t.bound.all() {
		c.post(c.bindAudio)
	}
}

func (t *LocalAudioTrack) bind(c *Call)   { t.bound.add(c) }
func (t *LocalAudioTrack) unbind(c *Call) { t.bound.remove(c) }

// feed returns the source as one call reads it; ended is called once when it
// gives no more.
func (t *LocalAudioTrack) feed(ended func(error)) AudioSource {
	t.mu.Lock()
	source := t.source
	t.mu.Unlock()
	switch s := source.(type) {
	case nil:
		return nil
	case media.EncodedAudioSource:
		return &encodedAudioFeed{audioFeed: audioFeed{track: t, source: s, ended: ended}, encoded: s}
	default:
		return &audioFeed{track: t, source: s, ended: ended}
	}
}

// audioFeed reads the source of a track for one call.
type audioFeed struct {
	track  *LocalAudioTrack
	source AudioSource
	once   sync.Once
	ended  func(error)
}

// ReadAudio reads the source when no other call does.
func (f *audioFeed) ReadAudio(frame []int16) error {
	f.track.reading.Lock()
	err := f.source.ReadAudio(frame)
	f.track.reading.Unlock()
	return f.pass(err)
}

// pass reports the end of the source once.
func (f *audioFeed) pass(err error) error {
	if err != nil {
		f.once.Do(func() { f.ended(err) })
	}
	return err //nolint:wrapcheck // the sender looks for io.EOF
}

// encodedAudioFeed is an audioFeed of a source that has its audio encoded.
type encodedAudioFeed struct {
	audioFeed
	encoded media.EncodedAudioSource
}

// EncodedCodec returns the codec of the source.
func (f *encodedAudioFeed) EncodedCodec() string { return f.encoded.EncodedCodec() }

// ReadEncodedAudio reads the source when no other call does.
func (f *encodedAudioFeed) ReadEncodedAudio() (media.EncodedAudio, error) {
	f.track.reading.Lock()
	frame, err := f.encoded.ReadEncodedAudio()
	f.track.reading.Unlock()
	return frame, f.pass(err)
}

// LocalVideoTrack is outgoing video.
type LocalVideoTrack struct {
	bound   boundCalls
	reading chan struct{} // one call at a time reads the source

	mu     sync.Mutex
	source VideoSource
}

// NewLocalVideoTrack makes a track of a source of encoded frames. A nil source
// sends nothing, until SetSource.
func NewLocalVideoTrack(source VideoSource) *LocalVideoTrack {
	return &LocalVideoTrack{source: source, reading: make(chan struct{}, 1)}
}

// Kind returns TrackKindVideo.
func (t *LocalVideoTrack) Kind() TrackKind { return TrackKindVideo }

// SetSource changes what the track sends, also in the middle of a call,
// beginning with a key frame. A source whose codec the other side does not take
// is not sent; CallEvents.TrackEnded then tells ErrUnsupported. The track does
// not close sources.
func (t *LocalVideoTrack) SetSource(source VideoSource) {
	t.mu.Lock()
	t.source = source
	t.mu.Unlock()
	for _, c := range t.bound.all() {
		c.post(c.bindVideo)
	}
}

func (t *LocalVideoTrack) bind(c *Call)   { t.bound.add(c) }
func (t *LocalVideoTrack) unbind(c *Call) { t.bound.remove(c) }

// feed returns the source as one call reads it.
func (t *LocalVideoTrack) feed() VideoSource {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.source == nil {
		return nil
	}
	return &videoFeed{VideoSource: t.source, reading: t.reading}
}

// videoFeed reads the source of a track for one call.
type videoFeed struct {
	VideoSource
	reading chan struct{}
}

// ReadVideo reads the source when no other call does.
func (f *videoFeed) ReadVideo(ctx context.Context) (EncodedFrame, error) {
	select {
	case f.reading <- struct{}{}:
	case <-ctx.Done():
		return EncodedFrame{}, ctx.Err() //nolint:wrapcheck // the sender looks for it
	}
	defer func() { <-f.reading }()
	return f.VideoSource.ReadVideo(ctx) //nolint:wrapcheck // the sender looks for io.EOF
}

// RemoteVideoTrack is incoming video.
type RemoteVideoTrack struct {
	call        *Call
	participant *RemoteParticipant
}

// Participant returns who sends it.
func (t *RemoteVideoTrack) Participant() *RemoteParticipant { return t.participant }

// SetSink changes where its frames go, beginning with a key frame. Nil: nowhere.
func (t *RemoteVideoTrack) SetSink(sink VideoSink) {
	t.call.post(func() {
		t.call.options.VideoSink = sink
		if m := t.call.media.Load(); m != nil && m.videoIn != nil {
			m.videoIn.SetSink(sink)
		}
	})
}

// RequestKeyFrame asks the sender for a key frame now (RFC 4585 6.3.1), for a
// sink whose decoder was made anew or has met an error: an encoder may give none
// for many seconds. What a sink needs to begin with and what the network has lost
// is asked for without it.
//
// Frames go on as they come; until a key frame does the request is repeated
// every 300 ms, so that it may be called for every frame that cannot be decoded.
// It may be called from any goroutine, also from WriteVideo, and never blocks.
//
// It returns ErrNoSuchTrack when the video has been stopped, and ErrCallEnded.
// Without a sink, and before the first frame, it does nothing: both begin with a
// key frame. During a hold nobody can be asked; video goes on with a key frame
// after it.
func (t *RemoteVideoTrack) RequestKeyFrame() error {
	switch {
	case t.call.over():
		return ErrCallEnded
	case t.participant.get().video != t:
		return ErrNoSuchTrack
	}
	if m := t.call.media.Load(); m != nil && m.videoIn != nil {
		m.videoIn.RequestKeyFrame()
	}
	return nil
}

// trackEndError is what TrackEnded tells: nil for a regular end.
func trackEndError(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
