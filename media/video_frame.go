package media

import (
	"context"
	"time"
)

// EncodedFrame is one encoded picture with all its spatial layers.
type EncodedFrame struct {
	// Codec is the RTP encoding name: "VP8", "H264", "VP9" or "AV1".
	Codec string
	// Data is the picture: a VP8 frame, a VP9 frame or superframe, an H.264 access
	// unit in Annex B form with start codes, or an AV1 temporal unit in
	// low-overhead form without temporal delimiters. Who is given a frame may keep
	// Data but not change it.
	Data []byte
	// Timestamp is the presentation time, from any zero point of the source's choice.
	Timestamp time.Duration
	// KeyFrame tells that decoding can start here.
	KeyFrame bool
	// RID names the simulcast encoding; empty without simulcast.
	RID string
	// SpatialLayer and TemporalLayer number the layers of a scalable encoding
	// from 0: the highest spatial one in Data, and the temporal one it belongs to.
	SpatialLayer, TemporalLayer int
	// Width and Height are the size in pixels; zero when not known. A receiver
	// knows them from the first key frame on.
	Width, Height int
}

// VideoSource gives encoded frames, paced by its own clock. A source that also
// has a Close() error method is closed by whoever made it, not by the sender.
type VideoSource interface {
	// ReadVideo blocks until the next frame is due, the source ends (io.EOF) or
	// ctx is done. Only one goroutine calls it at a time.
	ReadVideo(ctx context.Context) (EncodedFrame, error)
	// RequestKeyFrame asks for a key frame soon. It does not block and may be
	// called from any goroutine.
	RequestKeyFrame()
	// SetTargetBitrate tells what the network carries at the moment. It does not
	// block and may be called from any goroutine.
	SetTargetBitrate(bps int)
	// Codec is the RTP encoding name of the frames.
	Codec() string
}

// VideoSink takes encoded frames. WriteVideo is called from one goroutine, in
// decoding order, with a key frame first. An error is counted and does not end
// the stream.
type VideoSink interface {
	WriteVideo(frame EncodedFrame) error
}
