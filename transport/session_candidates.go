package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pion/webrtc/v4"
)

// punchTimes are when holes are punched, counted from the first address of the
// other side.
func punchTimes() []time.Duration {
	return []time.Duration{
		0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond,
		1500 * time.Millisecond, 3 * time.Second, 6 * time.Second,
	}
}

// onCandidate takes a candidate of ours; nil is the end.
func (s *Session) onCandidate(c *webrtc.ICECandidate) {
	s.mu.Lock()
	generation := s.generation
	if l := s.local[generation]; l != nil {
		if c == nil {
			l.gathered = true
		} else {
			l.add(c, s.hidden.Load())
		}
	}
	s.mu.Unlock()
	s.order.post(s.giveCandidates)
}

// giveCandidates hands over whatever may go to the other side. Candidates found
// while a handler was busy go together.
func (s *Session) giveCandidates() {
	s.mu.Lock()
	batch := CandidateBatch{Generation: s.generation}
	if l := s.local[s.generation]; l != nil {
		batch.Candidates, batch.End = l.take(s.hidden.Load())
	}
	s.mu.Unlock()
	if s.events.Candidates != nil && (len(batch.Candidates) > 0 || batch.End) {
		s.events.Candidates(batch)
	}
}

// RevealAddresses gives the candidates that HideAddresses withheld to the
// other side. It does nothing when there are none or when called again.
func (s *Session) RevealAddresses() {
	if s.options.RelayOnly || !s.hidden.CompareAndSwap(true, false) {
		return
	}
	s.order.post(s.giveCandidates)
	s.startPunching()
}

// AddCandidates takes candidates of the other side. They may come before the
// description they belong to; those of an older generation are ignored. On
// ErrInvalidCandidate and ErrTooManyCandidates the good ones were taken.
func (s *Session) AddCandidates(batch CandidateBatch) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	s.mu.Lock()
	generation := batch.Generation
	if generation == 0 {
		generation = max(s.generation, 1)
	}
	switch {
	case generation < s.generation:
		s.mu.Unlock()
		return nil
	case generation > s.generation+1:
		s.mu.Unlock()
		return fmt.Errorf("%w: candidates of generation %d", ErrWrongState, generation)
	case generation > s.generation || !s.remoteSet:
		err := s.keepEarly(generation, batch.Candidates)
		s.mu.Unlock()
		return err
	}
	s.mu.Unlock()
	return s.applyCandidates(batch.Candidates)
}

// keepEarly holds candidates until their description is there.
func (s *Session) keepEarly(generation uint32, lines []string) error {
	for _, line := range lines {
		if len(s.early[generation]) >= MaxRemoteCandidates {
			return ErrTooManyCandidates
		}
		if len(line) > MaxCandidateSize {
			return fmt.Errorf("%w: %d bytes", ErrInvalidCandidate, len(line))
		}
		s.early[generation] = append(s.early[generation], line)
	}
	return nil
}

// remoteKnown applies the candidates that came in the description and before it.
func (s *Session) remoteKnown(remote *description) {
	s.mu.Lock()
	s.remoteSet = true
	lines := append(remote.candidates, s.early[s.generation]...)
	delete(s.early, s.generation)
	s.mu.Unlock()
	if err := s.applyCandidates(lines); err != nil {
		// There is nobody to return it to: what came early was accepted then.
		s.log.Info("candidates refused", slog.String("error", err.Error()))
	}
}

// applyCandidates checks candidates and gives the good ones to the stack below.
func (s *Session) applyCandidates(lines []string) error {
	var failed error
	for _, line := range lines {
		if !s.count() {
			failed = errors.Join(failed, ErrTooManyCandidates)
			break
		}
		c, usable, err := parseCandidate(line, s.net.loopback)
		if err != nil {
			failed = err
			continue
		}
		if !usable {
			continue
		}
		if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.line}); err != nil {
			if s.ctx.Err() != nil {
				return ErrClosed
			}
			failed = fmt.Errorf("%w: %w", ErrInvalidCandidate, err)
			continue
		}
		if c.direct {
			s.mu.Lock()
			s.direct = append(s.direct, c.addr)
			s.mu.Unlock()
		}
	}
	s.startChecks()
	s.startPunching()
	return failed
}

// count counts a candidate against the limit of the generation.
func (s *Session) count() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= MaxRemoteCandidates {
		return false
	}
	s.taken++
	return true
}

// startPunching begins to punch holes for the other side's checks. Only the
// controlled side needs to: the controlling one checks all pairs all the time.
func (s *Session) startPunching() {
	if s.hidden.Load() {
		return
	}
	s.mu.Lock()
	start := s.answering && len(s.direct) > 0 && !s.punching
	s.punching = s.punching || start
	s.mu.Unlock()
	if start {
		s.spawn(s.punch)
	}
}

func (s *Session) punch() {
	defer func() {
		s.mu.Lock()
		s.punching = false
		s.mu.Unlock()
	}()
	begun := time.Now()
	for _, at := range punchTimes() {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(at - time.Since(begun)):
		}
		s.mu.Lock()
		to := append(s.direct[:0:0], s.direct...)
		s.mu.Unlock()
		if err := s.net.punch(to); err != nil {
			s.log.Debug("punch", slog.String("error", err.Error()))
		}
	}
}
