package mobile

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/engine"
)

// The codecs of video. What two devices have in common is used.
const (
	// VideoCodecVP8 frames are VP8 frames.
	VideoCodecVP8 int32 = 1
	// VideoCodecH264 frames are access units in Annex B form, with start codes;
	// those of key frames begin with SPS and PPS.
	VideoCodecH264 int32 = 2
	// VideoCodecVP9 frames are VP9 frames or superframes.
	VideoCodecVP9 int32 = 3
	// VideoCodecAV1 frames are temporal units in low-overhead form.
	VideoCodecAV1 int32 = 4
)

// What SendFrame did.
const (
	// FrameSent is a frame that is on its way.
	FrameSent int32 = 1
	// FrameDropped is a frame that was dropped because the ones before it still
	// wait, or because a key frame has to come first.
	FrameDropped int32 = 0
)

// videoQueue is how many frames may wait to be sent.
const videoQueue = 3

func videoCodec(codec int32) string {
	switch codec {
	case VideoCodecVP8:
		return "VP8"
	case VideoCodecH264:
		return "H264"
	case VideoCodecVP9:
		return "VP9"
	case VideoCodecAV1:
		return "AV1"
	default:
		return ""
	}
}

func videoCodecNumber(name string) int32 {
	for _, codec := range []int32{VideoCodecVP8, VideoCodecH264, VideoCodecVP9, VideoCodecAV1} {
		if videoCodec(codec) == name {
			return codec
		}
	}
	return 0
}

// VideoSourceListener steers an encoder. Its methods are called on threads of
// the library and must not block.
type VideoSourceListener interface {
	// OnKeyFrameRequested asks for a key frame soon.
	OnKeyFrameRequested()
	// OnTargetBitrateChanged tells what the network carries now, in bit/s.
	OnTargetBitrateChanged(bitsPerSecond int32)
}

// VideoSource is video that the application has encoded, MediaCodec's or
// VideoToolbox's output. It may be given to several calls of a client; only one
// that is not on hold reads it.
type VideoSource struct {
	codec    string
	listener slot[VideoSourceListener]
	track    *engine.LocalVideoTrack
	frames   chan engine.EncodedFrame
	closed   chan struct{}
	once     sync.Once
	guard    *scope

	sending sync.Mutex
	needKey atomic.Bool
}

// NewVideoSource makes a source of one VideoCodec. The listener, which may be
// nothing, is dropped by Close. Another codec gives ErrorCodeInvalidArgument.
func (c *Client) NewVideoSource(codec int32, listener VideoSourceListener) (source *VideoSource, err error) {
	defer guard(&err)
	if c.scope == nil || c.scope.isClosed() {
		return nil, errClosed
	}
	name := videoCodec(codec)
	if name == "" {
		return nil, fmt.Errorf("%w: video codec %d", errArgument, codec)
	}
	s := &VideoSource{
		codec: name, frames: make(chan engine.EncodedFrame, videoQueue), closed: make(chan struct{}), guard: c.scope,
	}
	if listener != nil {
		s.listener.set(listener)
	}
	s.needKey.Store(true)
	s.track = engine.NewLocalVideoTrack(&videoFeed{source: s})
	return s, nil
}

// SendFrame gives one encoded frame, in order. timestamp is its presentation
// time in microseconds from any zero point. It copies the frame, never waits,
// and returns FrameSent, FrameDropped, -ErrorCodeInvalidArgument for an empty
// frame or -ErrorCodeClosed. After a frame was dropped the encoder is asked for
// a key frame, and others are dropped until it comes.
func (s *VideoSource) SendFrame(frame []byte, timestamp int64, keyFrame bool) (result int32) {
	defer quiet()
	if len(frame) == 0 {
		return -ErrorCodeInvalidArgument
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.track == nil {
		return -ErrorCodeClosed
	}
	select {
	case <-s.closed:
		return -ErrorCodeClosed
	default:
	}
	if s.needKey.Load() && !keyFrame {
		return FrameDropped
	}
	if len(s.frames) == cap(s.frames) {
		if !s.needKey.Swap(true) {
			s.requestKeyFrame()
		}
		return FrameDropped
	}
	s.needKey.Store(false)
	// Only this method puts frames in, so there is room.
	s.frames <- engine.EncodedFrame{
		Codec: s.codec, Data: append([]byte(nil), frame...), KeyFrame: keyFrame,
		Timestamp: time.Duration(timestamp) * time.Microsecond,
	}
	return FrameSent
}

// Close ends the source and drops the listener. Calls that send it go on
// without video.
func (s *VideoSource) Close() {
	defer quiet()
	s.once.Do(func() { close(s.closed) })
	s.listener.drop()
}

func (s *VideoSource) requestKeyFrame() {
	if l, ok := s.listener.get(); ok {
		s.guard.call(l.OnKeyFrameRequested)
	}
}

// videoFeed is a VideoSource as the engine reads it.
type videoFeed struct{ source *VideoSource }

// ReadVideo returns the next frame.
func (f *videoFeed) ReadVideo(ctx context.Context) (engine.EncodedFrame, error) {
	select {
	case frame := <-f.source.frames:
		return frame, nil
	case <-f.source.closed:
		return engine.EncodedFrame{}, io.EOF
	case <-ctx.Done():
		return engine.EncodedFrame{}, ctx.Err()
	}
}

// RequestKeyFrame asks the encoder for a key frame.
func (f *videoFeed) RequestKeyFrame() { f.source.requestKeyFrame() }

// SetTargetBitrate tells the encoder what the network carries.
func (f *videoFeed) SetTargetBitrate(bps int) {
	if l, ok := f.source.listener.get(); ok {
		f.source.guard.call(func() { l.OnTargetBitrateChanged(int32(bps)) })
	}
}

// Codec returns the name of the codec.
func (f *videoFeed) Codec() string { return f.source.codec }

// VideoFrame is one encoded picture that was received.
type VideoFrame struct {
	// Codec is one of the VideoCodec constants.
	Codec int32
	// Data is the frame; see the codecs. It is not to be changed.
	Data []byte
	// Timestamp is the presentation time in microseconds from any zero point.
	Timestamp int64
	// KeyFrame tells that decoding can start here.
	KeyFrame bool
	// Width and Height are the size in pixels.
	Width  int32
	Height int32
}

// VideoListener takes the other side's video.
type VideoListener interface {
	// OnVideoFrame takes frames in decoding order, a key frame first, on a thread
	// of its own. While it blocks, frames that come too late are dropped and a key
	// frame is asked for. When the frames cannot be decoded any more, there is
	// Call.RequestKeyFrame.
	OnVideoFrame(call *Call, frame *VideoFrame)
}

// videoSink gives the frames of a call to its listener.
type videoSink struct{ call *Call }

// WriteVideo implements engine.VideoSink.
func (s *videoSink) WriteVideo(frame engine.EncodedFrame) error {
	l, ok := s.call.video.get()
	if !ok {
		return nil
	}
	f := &VideoFrame{
		Codec: videoCodecNumber(frame.Codec), Data: frame.Data, Timestamp: frame.Timestamp.Microseconds(),
		KeyFrame: frame.KeyFrame, Width: int32(frame.Width), Height: int32(frame.Height),
	}
	s.call.agent.client.scope.call(func() { l.OnVideoFrame(s.call, f) })
	return nil
}

// StartVideo sends a camera's video and returns when the other side has agreed.
// It gives ErrorCodeUnsupported when there is no common codec,
// ErrorCodeInvalidState before the call is connected and ErrorCodeTrackInUse
// when the call sends video already.
func (c *Call) StartVideo(camera *VideoSource) (err error) {
	defer guard(&err)
	if camera == nil || camera.track == nil {
		return fmt.Errorf("%w: no video source", errArgument)
	}
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.AddTrack(ctx, camera.track) })
}

// StopVideo stops sending a camera's video. It gives ErrorCodeNoSuchTrack when
// the call does not send it.
func (c *Call) StopVideo(camera *VideoSource) (err error) {
	defer guard(&err)
	if camera == nil || camera.track == nil {
		return fmt.Errorf("%w: no video source", errArgument)
	}
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.RemoveTrack(ctx, camera.track) })
}

// RequestKeyFrame asks the other side for a key frame of its video now, for an
// application whose decoder was made anew or has met an error: an encoder may
// give none for many seconds. It never waits and may be called from OnVideoFrame,
// for every frame that cannot be decoded: until a key frame comes, frames go on
// and the request is repeated every 300 milliseconds. What the network has lost
// is asked for without it. It gives ErrorCodeNoSuchTrack while the other side
// sends no video, and ErrorCodeCallEnded.
func (c *Call) RequestKeyFrame() (err error) {
	defer guard(&err)
	if c.agent == nil || c.agent.client.scope.isClosed() {
		return errClosed
	}
	call := c.engine()
	if call == nil {
		// A frame overtook the news of its call.
		return engine.ErrNoSuchTrack
	}
	err = engine.ErrNoSuchTrack
	if call.State() == engine.CallStateDisconnected {
		err = engine.ErrCallEnded
	}
	for _, p := range call.Participants() {
		for _, t := range p.VideoTracks() {
			err = t.RequestKeyFrame()
		}
	}
	return err
}

// trackEnded logs a camera that cannot be sent.
func (c *Call) trackEnded(e engine.LocalTrackEnded) {
	if e.Err != nil && e.Track.Kind() == engine.TrackKindVideo {
		c.agent.client.scope.logger.Warn("video is not sent", "call_id", e.Call.ID().String(), "error", e.Err)
	}
}
