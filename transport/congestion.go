package transport

import (
	"fmt"
	"sync"

	"github.com/parley-rtc/parley/internal/slogpion"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// congestion is Google Congestion Control over transport-wide feedback. It
// replaces the interceptor of the stack below, which knows no retransmission
// streams.
type congestion struct {
	interceptor.NoOp
	estimator *gcc.SendSideBWE
}

func newCongestion(o *Options, changed func()) (*congestion, error) {
	e, err := gcc.NewSendSideBWE(
		gcc.SendSideBWEInitialBitrate(o.Bitrate.Start),
		gcc.SendSideBWEMinBitrate(o.Bitrate.Min),
		gcc.SendSideBWEMaxBitrate(o.Bitrate.Max),
		gcc.SendSideBWEPacer(&unpaced{writers: map[uint32]interceptor.RTPWriter{}}),
		gcc.WithLoggerFactory(slogpion.NewFactory(o.Logger)),
	)
	if err != nil {
		return nil, fmt.Errorf("transport: congestion control: %w", err)
	}
	// It is told on a new goroutine each time, so the order is lost; whoever is
	// told asks for the value.
	e.OnTargetBitrateChange(func(int) { changed() })
	return &congestion{estimator: e}, nil
}

// BindLocalStream counts what is sent, retransmissions included.
func (c *congestion) BindLocalStream(info *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	if info.SSRCRetransmission != 0 {
		rtx := *info
		rtx.SSRC = info.SSRCRetransmission
		c.estimator.AddStream(&rtx, w)
	}
	return c.estimator.AddStream(info, w)
}

// BindRTCPReader hands the feedback to the estimator.
func (c *congestion) BindRTCPReader(r interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := r.Read(b, a)
		if err != nil {
			return n, a, err
		}
		if a == nil {
			a = interceptor.Attributes{}
		}
		packets, err := a.GetRTCPPackets(b[:n])
		if err != nil {
			// What does not parse is for nobody.
			return n, a, nil //nolint:nilerr // the next packet may be well formed
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.TransportLayerCC); ok {
				// The only error is that the estimator is closed or knows no such
				// packets; both end by themselves.
				_ = c.estimator.WriteRTCP([]rtcp.Packet{p}, a)
			}
		}
		return n, a, nil
	})
}

// Close ends the estimator.
func (c *congestion) Close() error { return c.estimator.Close() }

// unpaced sends every packet at once. Audio must not wait behind a key frame,
// and video is spread by whoever makes it.
type unpaced struct {
	mu      sync.RWMutex
	writers map[uint32]interceptor.RTPWriter
}

// AddStream implements gcc.Pacer.
func (u *unpaced) AddStream(ssrc uint32, w interceptor.RTPWriter) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.writers[ssrc] = w
}

// SetTargetBitrate implements gcc.Pacer.
func (u *unpaced) SetTargetBitrate(int) {}

// Write implements gcc.Pacer.
func (u *unpaced) Write(header *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
	u.mu.RLock()
	w := u.writers[header.SSRC]
	u.mu.RUnlock()
	if w == nil {
		return 0, fmt.Errorf("%w: unknown source", ErrNotNegotiated)
	}
	return w.Write(header, payload, a)
}

// Close implements gcc.Pacer.
func (u *unpaced) Close() error { return nil }
