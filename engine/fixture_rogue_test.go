package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
	"github.com/parley-rtc/parley/transport"
)

// rogue is a user who speaks to the service without an engine, and may say
// anything.
type rogue struct {
	t        testing.TB
	client   *signaling.Client
	received chan *signaling.Message
	// change changes the options of its media sessions.
	change func(*transport.Options)
	// candidates are those of the other side that answered took.
	candidates []string
}

func newRogue(t testing.TB, dialer signaling.Dialer, token string) *rogue {
	t.Helper()
	r := &rogue{t: t, received: make(chan *signaling.Message, 1024)}
	client, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: dialer,
		Token:  func(context.Context) (string, error) { return token, nil },
		Handler: func(m *signaling.Message) error {
			select {
			case r.received <- m:
			default:
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	r.client = client
	t.Cleanup(func() { _ = client.Close() })
	return r
}

func (r *rogue) send(m *signaling.Message) {
	r.t.Helper()
	if err := r.client.Send(m); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rogue) say(id callfsm.CallID, m callfsm.Message) { r.send(signaling.EncodeCall(id, m)) }

// hear waits for a message that fits.
func (r *rogue) hear(what string, fits func(*signaling.Message) bool) *signaling.Message {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m := <-r.received:
			if fits(m) {
				return m
			}
		case <-timeout:
			r.t.Fatalf("the rogue never got %s", what)
		}
	}
}

func (r *rogue) hearCall(kind callfsm.MessageKind) (callfsm.CallID, callfsm.Message) {
	r.t.Helper()
	m := r.hear(kind.String(), func(m *signaling.Message) bool {
		return m.GetCall() != nil && callfsm.MessageKind(m.GetCall().GetKind()) == kind
	})
	id, msg, err := signaling.DecodeCall(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return id, msg
}

func (r *rogue) describe(id callfsm.CallID, leg callfsm.Leg, kind signalpb.CallDescription_Kind, generation uint32, sdp string) {
	r.t.Helper()
	r.send(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Description{Description: &signalpb.CallDescription{
		Leg: uint32(leg), Kind: kind, Generation: generation, Sdp: sdp,
	}}})
}

// roguePath is a media session of a rogue.
type roguePath struct {
	*transport.Session
	up chan struct{}
}

// offer makes a media session as a device that is called does, and connects it
// as far as the other side does its part.
func (r *rogue) offer(id callfsm.CallID, leg callfsm.Leg, codecs []packet.Codec) *roguePath {
	r.t.Helper()
	p := &roguePath{up: make(chan struct{})}
	options := &transport.Options{
		AudioCodecs: codecs,
		VideoCodecs: media.VideoCodecs(),
		Events: transport.Events{
			Candidates: func(b transport.CandidateBatch) {
				_ = r.client.Send(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Candidates{
					Candidates: &signalpb.CallCandidates{
						Leg: uint32(leg), Generation: b.Generation, Candidates: b.Candidates, End: b.End,
					},
				}})
			},
			StateChanged: func(s transport.State) {
				if s == transport.StateConnected {
					close(p.up)
				}
			},
		},
	}
	if r.change != nil {
		r.change(options)
	}
	session, err := transport.New(options)
	if err != nil {
		r.t.Fatal(err)
	}
	p.Session = session
	r.t.Cleanup(func() { _ = session.Close() })
	offer, err := session.Offer(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	r.describe(id, leg, signalpb.CallDescription_OFFER, offer.Generation, offer.SDP)
	return p
}

// answered takes the other side's answer and candidates until the path stands.
func (r *rogue) answered(p *roguePath) {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m := <-r.received:
			if d := m.GetDescription(); d != nil {
				err := p.SetAnswer(transport.Description{Kind: transport.KindAnswer, SDP: d.GetSdp(), Generation: d.GetGeneration()})
				if err != nil {
					r.t.Fatal(err)
				}
			}
			if c := m.GetCandidates(); c != nil {
				r.candidates = append(r.candidates, c.GetCandidates()...)
				_ = p.AddCandidates(transport.CandidateBatch{
					Generation: c.GetGeneration(), Candidates: c.GetCandidates(), End: c.GetEnd(),
				})
			}
		case <-p.up:
			return
		case <-timeout:
			r.t.Fatal("the rogue's path never stood")
		}
	}
}
