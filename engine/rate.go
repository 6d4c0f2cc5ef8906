package engine

import (
	"sync"

	"github.com/parley-rtc/parley/internal/packet"
)

const (
	defaultAudioBitrate    = 40_000
	defaultMaxVideoBitrate = 2_500_000
	// minAudioBitrate is what audio gets however little there is: below it
	// speech does not become better understood by taking less.
	minAudioBitrate = 12_000
	// packetOverhead is what 50 audio packets a second cost beside their
	// payload: IP, UDP, RTP with extensions, SRTP tag.
	packetOverhead = 50 * (20 + 8 + 12 + 12 + 16) * 8
	// videoShare is what of the rest video may use; headers and retransmissions
	// take the other part.
	videoShareNumerator, videoShareDenominator = 9, 10
)

// rateControl splits what congestion control allows between audio and video,
// and turns loss reports into the loss that the audio encoder prepares for.
// Transport goroutines use it, so it has its own lock.
type rateControl struct {
	audio, maxVideo int

	mu    sync.Mutex
	total int
	video bool
	loss  float64
}

func (r *rateControl) setTotal(bps int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total = bps
}

func (r *rateControl) setVideo(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.video = on
}

func (r *rateControl) hasVideo() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.video
}

// targets returns the bitrates of both, video zero while there is none.
func (r *rateControl) targets() (audio, video int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return splitBitrate(r.total, r.audio, r.maxVideo, r.video)
}

// splitBitrate gives audio what it wants first: speech matters more than
// pictures, and it is little. A total of zero means not known yet.
func splitBitrate(total, wantAudio, maxVideo int, video bool) (forAudio, forVideo int) {
	if total <= 0 {
		if !video {
			return wantAudio, 0
		}
		return wantAudio, min(maxVideo, startVideoBitrate)
	}
	available := max(0, total-packetOverhead)
	if video {
		// Video stays alive on a slow path: audio leaves it a third.
		forAudio = clamp(available*2/3, min(minAudioBitrate, wantAudio), wantAudio)
		rest := max(0, available-forAudio) * videoShareNumerator / videoShareDenominator
		return forAudio, min(rest, maxVideo)
	}
	return clamp(available, min(minAudioBitrate, wantAudio), wantAudio), 0
}

// startVideoBitrate is the target before congestion control has spoken.
const startVideoBitrate = 500_000

func clamp(v, low, high int) int { return max(low, min(v, high)) }

// report takes a report about audio and returns the loss to prepare for: it
// follows a rise at once and a fall slowly, for losses come in bursts.
func (r *rateControl) report(fractionLost float64) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if fractionLost >= r.loss {
		r.loss = fractionLost
	} else {
		r.loss += (fractionLost - r.loss) / 8
		if r.loss < 0.001 {
			r.loss = 0
		}
	}
	return r.loss
}

// targetBitrate takes the estimate of congestion control.
func (c *Call) targetBitrate(l *leg, bps int) {
	if m := c.media.Load(); m != nil && m.leg == l {
		m.rate.setTotal(bps)
		c.applyRate(m)
	}
}

func (c *Call) applyRate(m *callMedia) {
	audio, video := m.rate.targets()
	m.sender.SetTargetBitrate(audio)
	if m.videoOut != nil && video > 0 {
		m.videoOut.SetTargetBitrate(video)
	}
}

// reportReceived takes what the other side says about media sent to it.
func (c *Call) reportReceived(l *leg, r packet.Report) {
	m := c.media.Load()
	if m == nil || m.leg != l {
		return
	}
	if r.Kind == packet.KindAudio {
		m.sender.SetExpectedLoss(m.rate.report(r.FractionLost))
	}
	if m.videoIn != nil && r.RoundTripTime > 0 {
		m.videoIn.SetRoundTripTime(r.RoundTripTime)
	}
}
