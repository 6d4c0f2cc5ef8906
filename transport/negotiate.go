package transport

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/webrtc/v4"
)

// Offer makes the first offer of the session and begins to gather candidates.
// It can be called once; later offers come from Restart.
func (s *Session) Offer(ctx context.Context) (Description, error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if err := s.begin(ctx); err != nil {
		return Description{}, err
	}
	s.mu.Lock()
	busy := s.offering || s.answering
	s.offering = true
	s.mu.Unlock()
	if busy {
		return Description{}, fmt.Errorf("%w: there was an offer already", ErrWrongState)
	}
	for _, m := range s.media {
		if m == nil {
			continue
		}
		if err := s.addTrack(m); err != nil {
			return Description{}, err
		}
	}
	return s.offer(nil)
}

// Restart makes an offer that finds a new path (RFC 8445 9), after the network
// changed or the session was Lost. Only the side that made the first offer may
// call it, after SetAnswer. The old path is given up at once: until the new one
// is found the session is Lost and nothing gets through.
func (s *Session) Restart(ctx context.Context) (Description, error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if err := s.begin(ctx); err != nil {
		return Description{}, err
	}
	s.mu.Lock()
	ready := s.offering && s.remoteSet
	s.mu.Unlock()
	if !ready {
		return Description{}, fmt.Errorf("%w: there is nothing to restart", ErrWrongState)
	}
	return s.offer(&webrtc.OfferOptions{ICERestart: true})
}

// begin checks what every negotiation needs.
func (s *Session) begin(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	if s.failed.Load() {
		return fmt.Errorf("%w: the session failed", ErrWrongState)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("transport: negotiate: %w", err)
	}
	return nil
}

// offer makes an offer of the next generation.
func (s *Session) offer(options *webrtc.OfferOptions) (Description, error) {
	generation := s.nextGeneration(0)
	offer, err := s.pc.CreateOffer(options)
	if err != nil {
		return Description{}, s.failure("make offer", err)
	}
	if options != nil {
		s.keeper.reset()
	}
	if err := s.pc.SetLocalDescription(offer); err != nil {
		return Description{}, s.failure("apply offer", err)
	}
	s.poke()
	return Description{Kind: KindOffer, SDP: minimal(offer.SDP, generation), Generation: generation}, nil
}

// nextGeneration moves on to the generation that is wanted, or to the next one.
// It comes before gathering begins, which tags its candidates with it.
func (s *Session) nextGeneration(want uint32) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want <= s.generation {
		want = s.generation + 1
	}
	s.generation = want
	s.remoteSet = false
	s.taken = 0
	s.direct = nil
	s.admitted.Store(0)
	s.local = map[uint32]*localCandidates{want: {}}
	for g := range s.early {
		if g < want {
			delete(s.early, g)
		}
	}
	return want
}

// failure wraps an error of the stack below.
func (s *Session) failure(what string, err error) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return fmt.Errorf("transport: %s: %w", what, err)
}

func (s *Session) addTrack(m *media) error {
	t, err := s.pc.AddTransceiverFromTrack(track{m}, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendrecv,
	})
	if err != nil {
		return s.failure("add track", err)
	}
	s.readFeedback(t.Sender())
	return nil
}

// Answer takes the offer of the other side and makes the answer. A later offer
// (a higher generation) restarts path finding. ErrNoCommonCodec means that the
// ends share no audio codec; ErrInvalidDescription that the offer makes no sense.
func (s *Session) Answer(ctx context.Context, offer Description) (Description, error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if err := s.begin(ctx); err != nil {
		return Description{}, err
	}
	remote, first, err := s.takeOffer(offer)
	if err != nil {
		return Description{}, err
	}
	generation := s.nextGeneration(offer.Generation)
	s.keeper.start(remote.ours, false)
	s.learnRepairs(remote)
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: remote.filter(s.media[:], false)}); err != nil {
		return Description{}, s.refused(err)
	}
	if !first {
		s.keeper.reset()
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return Description{}, s.refused(err)
	}
	local, err := parseDescription(answer.SDP)
	if err != nil {
		return Description{}, err
	}
	s.settle(local, remote)
	if !s.media[packet.KindAudio].negotiated.Load().speaks() {
		return Description{}, fmt.Errorf("%w: audio is not in the bundle", ErrInvalidDescription)
	}
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return Description{}, s.refused(err)
	}
	s.remoteKnown(remote)
	s.poke()
	return Description{Kind: KindAnswer, SDP: minimal(answer.SDP, generation), Generation: generation}, nil
}

// takeOffer checks an offer, and joins the sections of the first one.
func (s *Session) takeOffer(offer Description) (remote *description, first bool, err error) {
	if offer.Kind != KindOffer {
		return nil, false, fmt.Errorf("%w: not an offer", ErrInvalidDescription)
	}
	s.mu.Lock()
	ours, first := s.offering, !s.answering
	old := offer.Generation != 0 && offer.Generation <= s.generation
	s.mu.Unlock()
	if ours || old {
		return nil, false, fmt.Errorf("%w: offer of generation %d", ErrWrongState, offer.Generation)
	}
	if remote, err = parseDescription(offer.SDP); err != nil {
		return nil, false, err
	}
	if err := s.checkCodecs(remote); err != nil {
		return nil, false, err
	}
	if first {
		if err := s.joinSections(remote); err != nil {
			return nil, false, err
		}
	}
	return remote, first, nil
}

// joinSections gives a track to each section of the offer that has a codec of
// ours. The first section of a kind is the one that is used.
func (s *Session) joinSections(remote *description) error {
	s.mu.Lock()
	s.answering = true
	s.mu.Unlock()
	for _, m := range s.media {
		if m == nil {
			continue
		}
		theirs := remote.first(m.kind)
		if theirs == nil || !agree(m.ours, theirs, theirs).speaks() {
			continue
		}
		if err := s.addTrack(m); err != nil {
			return err
		}
	}
	return nil
}

// checkCodecs looks for a codec of the audio section that both ends have.
func (s *Session) checkCodecs(remote *description) error {
	theirs := remote.first(packet.KindAudio)
	if theirs == nil || !agree(s.media[packet.KindAudio].ours, theirs, theirs).speaks() {
		return ErrNoCommonCodec
	}
	return nil
}

// refused wraps what the stack below says about a description that passed our
// own checks.
func (s *Session) refused(err error) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrInvalidDescription, err)
}

// SetAnswer takes the answer to the latest offer. An answer to an older offer
// is ignored. Errors are those of Answer.
func (s *Session) SetAnswer(answer Description) error {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if err := s.begin(context.Background()); err != nil {
		return err
	}
	if answer.Kind != KindAnswer {
		return fmt.Errorf("%w: not an answer", ErrInvalidDescription)
	}
	s.mu.Lock()
	waiting := s.offering && !s.remoteSet
	generation := s.generation
	s.mu.Unlock()
	switch {
	case answer.Generation != 0 && answer.Generation < generation:
		return nil
	case !waiting || answer.Generation > generation:
		return fmt.Errorf("%w: answer of generation %d", ErrWrongState, answer.Generation)
	}
	remote, err := parseDescription(answer.SDP)
	if err != nil {
		return err
	}
	if err := s.checkCodecs(remote); err != nil {
		return err
	}
	s.keeper.start(remote.ours, true)
	s.learnRepairs(remote)
	s.settle(remote, remote)
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: remote.filter(s.media[:], true)}); err != nil {
		return s.refused(err)
	}
	s.remoteKnown(remote)
	s.poke()
	return nil
}

// settle keeps what the descriptions agree on.
func (s *Session) settle(answer, remote *description) {
	s.passive.Store(remote.passive)
	for _, m := range s.media {
		if m != nil {
			m.negotiated.Store(agree(m.ours, answer.first(m.kind), remote.first(m.kind)))
		}
	}
}

// learnRepairs keeps which received streams repeat which.
func (s *Session) learnRepairs(remote *description) {
	repairs := map[uint32]uint32{}
	for _, section := range remote.sections {
		for rtx, media := range section.repairs {
			repairs[rtx] = media
		}
	}
	s.repairs.Store(&repairs)
}

// repairedBy returns the SSRC of the media that a received stream repeats, 0
// when it is media itself.
func (s *Session) repairedBy(ssrc uint32) uint32 {
	if repairs := s.repairs.Load(); repairs != nil {
		return (*repairs)[ssrc]
	}
	return 0
}
