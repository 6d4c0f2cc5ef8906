package engine

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
)

// callMedia is the media of a call whose other side is known: everything
// between the session and the app's sources and sinks. It is made once and
// does not change, so that any goroutine may use it.
type callMedia struct {
	leg      *leg
	sender   *media.AudioSender
	receiver *media.AudioReceiver
	playout  *media.Playout
	videoIn  *media.VideoReceiver
	videoOut *media.VideoSender
	rate     rateControl
}

// mediaAllowed lets media flow on a leg, or stops it for a hold. From the first
// time on, the addresses of this side may be shown.
func (c *Call) mediaAllowed(number callfsm.Leg, on bool) {
	l, ok := c.legs[number]
	if !ok {
		return
	}
	c.allowed = on
	if m := c.media.Load(); m != nil && m.videoIn != nil {
		m.videoIn.Held()
	}
	if on && !l.allowed {
		l.allowed = true
		l.session.RevealAddresses()
		if l.connected && !l.told {
			// The path was found while it rang, and no change will tell of it.
			c.tellMedia(l, l.session.State())
		}
	}
	c.tryMedia(l)
}

// tryMedia makes the call's media once a leg has won and its codecs are known,
// in whichever order that happens.
func (c *Call) tryMedia(l *leg) {
	if !l.allowed || !l.negotiated {
		return
	}
	if c.media.Load() == nil {
		m, err := c.newMedia(l)
		if err != nil {
			c.mediaFailed(l, err)
			return
		}
		c.media.Store(m)
		l.video.open(m.videoIn)
		c.bindAudio()
		c.bindVideo()
	}
	c.updateSending()
	if c.machine.State().Established() {
		c.flushData()
	}
}

// newMedia makes the pipelines of a leg.
func (c *Call) newMedia(l *leg) (*callMedia, error) {
	codecs := l.session.Codecs(packet.KindAudio)
	codec, tones, err := sendCodecs(codecs)
	if err != nil {
		return nil, err
	}
	options, logger := &c.agent.client.options, c.agent.client.options.Logger
	m := &callMedia{leg: l, receiver: l.audio.Load(), rate: rateControl{audio: options.AudioBitrate, maxVideo: options.MaxVideoBitrate}}
	m.sender, err = media.NewAudioSender(&media.AudioSenderOptions{
		Codec:     codec,
		ToneCodec: tones,
		Send:      func(p *packet.Packet) error { return l.session.WritePacket(packet.KindAudio, p) },
		Bitrate:   options.AudioBitrate,
		Logger:    logger,
	})
	if err != nil {
		return nil, fmt.Errorf("engine: audio sender: %w", err)
	}
	m.playout, err = media.NewPlayout(&media.PlayoutOptions{
		Sink: c.options.AudioSink, Receivers: []*media.AudioReceiver{m.receiver}, Logger: logger,
	})
	if err == nil {
		err = c.newVideo(m)
	}
	if err != nil {
		c.closers.Go(m.close)
		return nil, fmt.Errorf("engine: media: %w", err)
	}
	return m, nil
}

// newVideo makes the video pipelines, when the two ends share a video codec.
func (c *Call) newVideo(m *callMedia) error {
	codecs := m.leg.session.Codecs(packet.KindVideo)
	if len(codecs) == 0 {
		return nil
	}
	logger := c.agent.client.options.Logger
	var err error
	m.videoIn, err = media.NewVideoReceiver(&media.VideoReceiverOptions{
		Codecs: codecs, Sink: c.options.VideoSink, RequestKeyFrame: m.leg.session.RequestKeyFrame, Logger: logger,
	})
	if err != nil {
		return fmt.Errorf("video receiver: %w", err)
	}
	m.videoOut, err = media.NewVideoSender(&media.VideoSenderOptions{
		Codecs:   codecs,
		Send:     func(p *packet.Packet) error { return m.leg.session.WritePacket(packet.KindVideo, p) },
		Inactive: true,
		Ended:    c.videoEnded,
		Logger:   logger,
	})
	if err != nil {
		return fmt.Errorf("video sender: %w", err)
	}
	return nil
}

// sendCodecs picks, among the negotiated formats, the first that this build can
// encode, and the telephone events that share its clock (RFC 4733 2.1).
func sendCodecs(codecs []packet.Codec) (codec, tones packet.Codec, err error) {
	for _, candidate := range codecs {
		if media.CanEncode(candidate) {
			codec = candidate
			break
		}
	}
	if codec.Name == "" {
		return codec, tones, fmt.Errorf("engine: %w", media.ErrNoEncoder)
	}
	for _, candidate := range codecs {
		if candidate.Name == toneCodecName && candidate.ClockRate == codec.ClockRate {
			return codec, candidate, nil
		}
	}
	return codec, tones, nil
}

const toneCodecName = "telephone-event"

// updateSending makes senders and receivers follow the state of the call. A
// source is not read before the path stands: its beginning would be lost, and
// the first frame would wait for the clock that began without a path.
func (c *Call) updateSending() {
	m := c.media.Load()
	if m == nil {
		return
	}
	active := c.allowed && m.leg.connected
	m.receiver.SetMuted(!c.allowed || c.getView().incomingMuted)
	m.sender.SetMuted(c.machine.Muted())
	m.sender.SetActive(active)
	if m.videoOut != nil {
		video := active && c.video != nil && c.machine.Media().Has(callfsm.MediaVideo)
		m.videoOut.SetActive(video)
		m.rate.setVideo(video)
		c.applyRate(m)
	}
}

// silence stops sending at once; close follows.
func (m *callMedia) silence() {
	m.sender.SetActive(false)
	if m.videoOut != nil {
		m.videoOut.SetActive(false)
	}
}

// close ends all goroutines of the media, not the session. It may wait for
// sources and sinks.
func (m *callMedia) close() {
	// These only fail when they were closed before.
	if m.sender != nil {
		_ = m.sender.Close()
	}
	if m.videoOut != nil {
		m.videoOut.Close()
		<-m.videoOut.Done()
	}
	if m.playout != nil {
		_ = m.playout.Close()
	}
	if m.videoIn != nil {
		m.videoIn.Close()
		<-m.videoIn.Done()
	}
}

// videoGate keeps video that comes before the call has its media: the other
// side may start to send before the news of its accept is here, and without the
// first key frame nothing could be shown for a round trip.
type videoGate struct {
	receiver atomic.Pointer[media.VideoReceiver]

	mu     sync.Mutex
	queue  []*packet.Packet
	closed bool
}

// maxEarlyVideo is how many packets a gate keeps: half a second of 2 Mbit/s.
const maxEarlyVideo = 128

func (g *videoGate) push(p *packet.Packet) {
	if r := g.receiver.Load(); r != nil {
		r.Push(p)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed && len(g.queue) < maxEarlyVideo {
		g.queue = append(g.queue, p)
	}
}

// open gives the receiver what has come so far. Packets that race with it may
// be overtaken; the receiver puts them in order.
func (g *videoGate) open(r *media.VideoReceiver) {
	if r == nil {
		g.close()
		return
	}
	g.receiver.Store(r)
	g.mu.Lock()
	queue := g.queue
	g.queue, g.closed = nil, true
	g.mu.Unlock()
	for _, p := range queue {
		r.Push(p)
	}
}

func (g *videoGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue, g.closed = nil, true
}

// errProtocol is a breach of the media protocol by the other side.
var errProtocol = errors.New("engine: media protocol")

// keyFrameRequested passes a request on to the video source.
func (c *Call) keyFrameRequested(l *leg) {
	if m := c.media.Load(); m != nil && m.leg == l && m.videoOut != nil {
		m.videoOut.KeyFrameRequested()
	}
}
