package transport_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

// everyMethod calls all there is; what it returns does not matter, that it
// returns does.
func everyMethod(s *transport.Session) {
	ctx := context.Background()
	_ = s.Close()
	_, _ = s.Offer(ctx)
	_, _ = s.Answer(ctx, transport.Description{Kind: transport.KindOffer})
	_ = s.SetAnswer(transport.Description{Kind: transport.KindAnswer})
	_, _ = s.Restart(ctx)
	_ = s.AddCandidates(transport.CandidateBatch{})
	s.RevealAddresses()
	_ = s.State()
	_, _ = s.Codec(packet.KindAudio)
	_ = s.Codecs(packet.KindVideo)
	_ = s.WritePacket(packet.KindAudio, &packet.Packet{})
	s.RequestKeyFrame()
	_ = s.SendData(transport.Reliable, nil)
	_ = s.BufferedAmount(transport.Lossy)
	_ = s.Stats()
	_ = s.Close()
}

// Every handler calls every method, Close first.
func TestReentrancy(t *testing.T) {
	handlers := map[string]func(e *transport.Events, f func()){
		"Candidates": func(e *transport.Events, f func()) { e.Candidates = func(transport.CandidateBatch) { f() } },
		"StateChanged": func(e *transport.Events, f func()) {
			e.StateChanged = func(s transport.State) {
				if s == transport.StateConnected {
					f()
				}
			}
		},
		"Packet":          func(e *transport.Events, f func()) { e.Packet = func(packet.Kind, *packet.Packet) { f() } },
		"KeyFrameRequest": func(e *transport.Events, f func()) { e.KeyFrameRequest = f },
		"TargetBitrate":   func(e *transport.Events, f func()) { e.TargetBitrate = func(int) { f() } },
		"Report":          func(e *transport.Events, f func()) { e.Report = func(packet.Report) { f() } },
		"DataOpen":        func(e *transport.Events, f func()) { e.DataOpen = func(transport.Reliability) { f() } },
		"Data":            func(e *transport.Events, f func()) { e.Data = func(transport.Reliability, []byte) { f() } },
	}
	for name, set := range handlers {
		t.Run(name, func(t *testing.T) {
			inWorld(t, lan(), func(t *testing.T, w *world) {
				var session atomic.Pointer[transport.Session]
				called := make(chan struct{})
				var once atomic.Bool
				var events transport.Events
				set(&events, func() {
					s := session.Load()
					if s == nil {
						return
					}
					everyMethod(s)
					if once.CompareAndSwap(false, true) {
						close(called)
					}
				})
				a := newEnd(t, "a", transport.Options{Net: w.alice, VideoCodecs: videoCodecs()})
				b := newEnd(t, "b", transport.Options{Net: w.bob, VideoCodecs: videoCodecs(), Events: events})
				session.Store(b.Session)
				a.joinTo(b)
				b.joinTo(a)
				negotiate(t, a, b)
				stop := time.After(20 * time.Second)
				for i := uint16(0); ; i++ {
					codec, _ := a.Codec(packet.KindVideo)
					// They fail before there is a connection and after it was closed.
					_ = a.audio(i)
					_ = a.video(codec, i, 100)
					_ = b.WritePacket(packet.KindVideo, &packet.Packet{PayloadType: codec.PayloadType, SequenceNumber: i, Payload: []byte{1}})
					_ = a.SendData(transport.Reliable, []byte("x"))
					a.RequestKeyFrame()
					select {
					case <-called:
					case <-stop:
						t.Fatal("the handler was not called")
					case <-time.After(20 * time.Millisecond):
						continue
					}
					break
				}
				<-b.Done()
				if b.State() != transport.StateClosed {
					t.Errorf("state %v", b.State())
				}
			})
		})
	}
}

// Closing at any moment of the set-up ends everything.
func TestClose_AnyMoment(t *testing.T) {
	for step := range 40 {
		inWorld(t, lan(), func(t *testing.T, w *world) {
			w.startRelay(t, nil)
			options := transport.Options{ICEServers: turnUDP(), VideoCodecs: videoCodecs(), HideAddresses: step%2 == 0}
			options.Net = w.alice
			a := newEnd(t, "a", options)
			options.Net = w.bob
			b := newEnd(t, "b", options)
			a.joinTo(b)
			b.joinTo(a)
			go func() {
				offer, err := a.Offer(context.Background())
				if err != nil {
					return
				}
				answer, err := b.Answer(context.Background(), offer)
				if err != nil {
					return
				}
				_ = a.SetAnswer(answer)
			}()
			time.Sleep(time.Duration(step) * 7 * time.Millisecond)
			first, second := a, b
			if step%3 == 0 {
				first, second = b, a
			}
			first.close()
			second.close()
		})
	}
}
