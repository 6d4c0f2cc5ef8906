package training

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// Calls returns the frames of calls, uncompressed, one call for each offer of
// the corpus.
func Calls(corpus string) ([][][]byte, error) {
	blocks, err := parse(corpus)
	if err != nil {
		return nil, err
	}
	var calls [][][]byte
	var one []block
	for i, b := range blocks {
		one = append(one, b)
		if i+1 < len(blocks) && blocks[i+1].kind != "offer" {
			continue
		}
		w := &writer{random: rand.New(rand.NewPCG(0x706172, uint64(i)))} //nolint:gosec // the same every time
		if err := w.call(one); err != nil {
			return nil, err
		}
		calls = append(calls, w.frames)
		one = nil
	}
	return calls, nil
}

// writer makes the frames of one call, in one direction of one session after
// the other.
type writer struct {
	random *rand.Rand
	frames [][]byte
	refs   wire.Refs
	seq    uint64
	id     [16]byte
}

// call writes what a caller sends, what it receives, and the same for a callee.
func (w *writer) call(blocks []block) error {
	for i := range w.id {
		w.id[i] = byte(w.random.Uint32())
	}
	caller, callee := w.user(""), ""
	callee = w.user(caller)
	signals := w.signals(caller, callee)
	which := w.random.IntN(len(signals))
	for i, side := range signals {
		w.refs, w.seq = wire.Refs{}, uint64(w.random.IntN(40))
		for _, s := range side {
			if err := w.write(&wire.Message{Body: &signalpb.Message_Call{Call: s}}); err != nil {
				return err
			}
		}
		if i != which {
			continue // once a call is enough, in either direction
		}
		for _, b := range blocks {
			m, err := message(b)
			if err != nil {
				return err
			}
			if err := w.write(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// write appends the frame of one message.
func (w *writer) write(m *wire.Message) error {
	m.CallId = w.id[:]
	data, err := w.refs.Encode(m)
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	w.refs.Sent(m)
	w.seq++
	head := &signalpb.Frame{}
	if w.random.IntN(2) == 0 {
		head.Ack = 1 + uint64(w.random.IntN(40))
	}
	var plain *wire.Codec
	frame, _, err := plain.Encode(&wire.Frame{Head: head, Seq: w.seq, Messages: [][]byte{data}})
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	w.frames = append(w.frames, frame)
	return nil
}

// user draws a user of the resource of another.
func (w *writer) user(other string) string {
	resource, _, found := strings.Cut(other, "_")
	if !found {
		resource = "8:acs:" + w.uuid()
	}
	return resource + "_" + w.uuid()
}

func (w *writer) uuid() string {
	var id callfsm.CallID
	for i := range id {
		id[i] = byte(w.random.Uint32())
	}
	return id.String()
}

// signals are the call control messages that a caller and a callee send and
// get: each list is one direction of one session.
func (w *writer) signals(from, to string) [][]*signalpb.CallSignal {
	kind := func(k callfsm.MessageKind) *signalpb.CallSignal { return &signalpb.CallSignal{Kind: uint32(k)} }
	leg := func(k callfsm.MessageKind) *signalpb.CallSignal {
		return &signalpb.CallSignal{Kind: uint32(k), Leg: 1}
	}
	start, incoming, ended := kind(callfsm.KindStart), leg(callfsm.KindIncoming), kind(callfsm.KindEnded)
	start.To, start.Media = to, uint32(callfsm.MediaAudio)
	incoming.From, incoming.To, incoming.Media = from, to, uint32(callfsm.MediaAudio)
	ended.Reason = &signalpb.EndReason{}
	if w.random.IntN(2) == 0 {
		start.Media |= uint32(callfsm.MediaVideo)
		incoming.Media |= uint32(callfsm.MediaVideo)
	}
	accept, accepted, confirmed := leg(callfsm.KindAccept), leg(callfsm.KindAccepted), leg(callfsm.KindConfirmed)
	for _, s := range []*signalpb.CallSignal{accept, accepted, confirmed} {
		s.Media = start.GetMedia()
	}
	return [][]*signalpb.CallSignal{
		{start, kind(callfsm.KindConnected), kind(callfsm.KindHold), kind(callfsm.KindHangUp)},
		{kind(callfsm.KindStarted), leg(callfsm.KindRinging), accepted, ended},
		{leg(callfsm.KindRinging), accept, leg(callfsm.KindConnected), leg(callfsm.KindMute)},
		{incoming, confirmed, ended},
	}
}

// message makes the message of an entry of the corpus.
func message(b block) (*wire.Message, error) {
	describe := func(kind signalpb.CallDescription_Kind) *wire.Message {
		return &wire.Message{Body: &signalpb.Message_Description{Description: &signalpb.CallDescription{
			Leg: 1, Kind: kind, Generation: 1, Sdp: strings.ReplaceAll(b.text, "\n", "\r\n"),
		}}}
	}
	switch b.kind {
	case "offer":
		return describe(signalpb.CallDescription_OFFER), nil
	case "answer":
		return describe(signalpb.CallDescription_ANSWER), nil
	case "candidates":
		return &wire.Message{Body: &signalpb.Message_Candidates{Candidates: &signalpb.CallCandidates{
			Leg: 1, Generation: 1, Candidates: strings.Split(strings.TrimSuffix(b.text, "\n"), "\n"),
		}}}, nil
	default:
		return nil, fmt.Errorf("training: corpus has an entry of kind %q", b.kind)
	}
}
