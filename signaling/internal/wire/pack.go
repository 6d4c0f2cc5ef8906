package wire

import (
	"fmt"
	"strings"

	"github.com/parley-rtc/parley/signaling/signalpb"
)

// packMessage returns a copy of a message as it goes over the wire: names,
// session descriptions and candidates in their packed form.
func packMessage(m *Message) *Message {
	wire := &signalpb.Message{CallId: m.GetCallId(), Body: m.GetBody()}
	keepUnknown(wire, m)
	switch {
	case m.GetCall() != nil:
		if short := packSignal(m.GetCall()); short != nil {
			wire.Body = &signalpb.Message_Call{Call: short}
		}
	case m.GetDescription() != nil:
		if short := packDescription(m.GetDescription()); short != nil {
			wire.Body = &signalpb.Message_Description{Description: short}
		}
	case m.GetCandidates() != nil:
		if short := packCandidates(m.GetCandidates()); short != nil {
			wire.Body = &signalpb.Message_Candidates{Candidates: short}
		}
	}
	return wire
}

// packSignal, packDescription and packCandidates return nil for what cannot be
// packed; it goes as it is.

func packSignal(s *signalpb.CallSignal) *signalpb.CallSignal {
	if s.GetFrom() == "" && s.GetTo() == "" || len(s.GetPackedNames()) > 0 {
		return nil
	}
	packed, ok := packLines([]string{s.GetFrom(), s.GetTo()})
	if !ok {
		return nil
	}
	short := &signalpb.CallSignal{
		Kind: s.GetKind(), Leg: s.GetLeg(), DisplayName: s.GetDisplayName(), Media: s.GetMedia(), On: s.GetOn(),
		Request: s.GetRequest(), State: s.GetState(), Reason: s.GetReason(), Tones: s.GetTones(), PackedNames: packed,
	}
	keepUnknown(short, s)
	return short
}

func packDescription(d *signalpb.CallDescription) *signalpb.CallDescription {
	packed, ok := packText(d.GetSdp())
	if !ok || d.GetSdp() == "" || len(d.GetPackedSdp()) > 0 {
		return nil
	}
	short := &signalpb.CallDescription{
		Leg: d.GetLeg(), Kind: d.GetKind(), Generation: d.GetGeneration(), PackedSdp: packed,
	}
	keepUnknown(short, d)
	return short
}

func packCandidates(c *signalpb.CallCandidates) *signalpb.CallCandidates {
	packed, ok := packLines(c.GetCandidates())
	if !ok || len(packed) == 0 || len(c.GetPackedCandidates()) > 0 {
		return nil
	}
	short := &signalpb.CallCandidates{
		Leg: c.GetLeg(), Generation: c.GetGeneration(), End: c.GetEnd(), PackedCandidates: packed,
	}
	keepUnknown(short, c)
	return short
}

// packLines packs texts with line feeds between, if they have none themselves.
func packLines(lines []string) ([]byte, bool) {
	text := strings.Join(lines, "\n")
	if strings.Count(text, "\n") != len(lines)-1 {
		return nil, false
	}
	return packText(text)
}

// keepUnknown copies the fields that this version does not know.
func keepUnknown(to interface{ SetUnknown(fields []byte) }, from interface{ Unknown() []byte }) {
	to.SetUnknown(from.Unknown())
}

// unpackMessage undoes packMessage, in place.
func unpackMessage(m *Message) error {
	if s := m.GetCall(); len(s.GetPackedNames()) > 0 {
		text, err := unpackText(s.GetPackedNames())
		from, to, ok := strings.Cut(text, "\n")
		if err != nil || !ok || s.GetFrom() != "" || s.GetTo() != "" {
			return fmt.Errorf("%w: packed names", ErrMalformed)
		}
		s.From, s.To, s.PackedNames = from, to, nil
	}
	if d := m.GetDescription(); len(d.GetPackedSdp()) > 0 {
		text, err := unpackText(d.GetPackedSdp())
		if err != nil || d.GetSdp() != "" {
			return fmt.Errorf("%w: packed description", ErrMalformed)
		}
		d.Sdp, d.PackedSdp = text, nil
	}
	if c := m.GetCandidates(); len(c.GetPackedCandidates()) > 0 {
		text, err := unpackText(c.GetPackedCandidates())
		if err != nil || len(c.GetCandidates()) > 0 {
			return fmt.Errorf("%w: packed candidates", ErrMalformed)
		}
		c.Candidates, c.PackedCandidates = strings.Split(text, "\n"), nil
	}
	return nil
}
