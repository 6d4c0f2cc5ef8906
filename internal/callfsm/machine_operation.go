package callfsm

import "time"

// operation is a request that waits for its answer.
type operation struct {
	request uint32
	kind    InputKind
	media   Media
	on      bool
	at      time.Time
}

// begin sends the request of an operation and starts its timer.
func (m *Machine) begin(in Input) error {
	if in.Request == 0 {
		return m.illegal(in, "no request number")
	}
	for i := range m.operations {
		if m.operations[i].request == in.Request {
			return m.illegal(in, "the request number is in use")
		}
	}
	op := operation{request: in.Request, kind: in.Kind}
	switch in.Kind { //nolint:exhaustive // the callers pass no other kind
	case InputModality:
		if in.Media != MediaVideo && in.Media != MediaShare {
			return m.illegal(in, "one of video and share")
		}
		m.supersede(in.Media)
		op.media, op.on = in.Media, in.On
		op.at = m.now.Add(m.cfg.Timeouts.Modality)
		if !in.On {
			// What this end no longer sends needs nobody's consent.
			m.setMedia(in.Media, false)
		}
	case InputRemove:
		op.at = m.now.Add(m.cfg.Timeouts.RemoveParticipant)
	case InputTransfer:
		op.at = m.now.Add(m.cfg.Timeouts.Transfer)
	case InputPromote:
		op.at = m.now.Add(m.cfg.Timeouts.Promote)
	}
	m.operations = append(m.operations, op)
	m.sendOperation(op, in.To)
	return nil
}

func (m *Machine) sendOperation(op operation, to string) {
	switch op.kind { //nolint:exhaustive // begin makes no other kind
	case InputModality:
		m.send(Message{Kind: KindModality, Media: op.media, On: op.on, Request: op.request})
	case InputRemove:
		m.send(Message{Kind: KindRemove, Request: op.request, To: to})
	case InputTransfer:
		m.send(Message{Kind: KindTransfer, Request: op.request, To: to})
	case InputPromote:
		m.send(Message{Kind: KindPromote, Request: op.request})
	}
}

// supersede ends the requests about the same media: only the newest counts.
func (m *Machine) supersede(media Media) {
	for i := 0; i < len(m.operations); i++ {
		if op := m.operations[i]; op.kind == InputModality && op.media == media {
			m.drop(i)
			i--
			m.done(op, false, ReasonCancelled.Reason())
		}
	}
}

func (m *Machine) drop(i int) {
	m.operations = append(m.operations[:i], m.operations[i+1:]...)
}

func (m *Machine) done(op operation, ok bool, reason EndReason) {
	e := Effect{Kind: EffectOperationDone, Request: op.request, OK: ok}
	if !ok {
		e.Reason = explain(reason)
	}
	m.emit(e)
}

// answered ends the operation that an answer is for. An answer that comes after
// its operation timed out or was superseded counts no more.
func (m *Machine) answered(msg Message) {
	modality := msg.Kind == KindModalityOK || msg.Kind == KindModalityRefused
	ok := msg.Kind == KindModalityOK || msg.Kind == KindOperationOK
	for i := range m.operations {
		op := m.operations[i]
		if op.request != msg.Request || (op.kind == InputModality) != modality {
			continue
		}
		m.drop(i)
		if modality && op.on {
			m.setMedia(op.media, ok)
		}
		m.done(op, ok, msg.Reason)
		return
	}
}

// operationTimers fails the operations whose time is over.
func (m *Machine) operationTimers() {
	for i := 0; i < len(m.operations); i++ {
		op := m.operations[i]
		if !m.due(op.at) {
			continue
		}
		m.drop(i)
		i--
		if op.kind != InputModality {
			m.done(op, false, ReasonOperationTimeout.Reason())
			continue
		}
		m.done(op, false, ReasonModalityTimeout.Reason())
		if op.on {
			// The other end may have agreed and its answer be lost: take it back.
			m.setMedia(op.media, false)
			m.send(Message{Kind: KindModality, Media: op.media})
		}
	}
}

// modality answers the other end's request to start or stop a kind of media.
func (m *Machine) modality(msg Message) {
	answer := Message{Kind: KindModalityOK, Media: msg.Media, On: msg.On, Request: msg.Request}
	takes := m.cfg.TakesMedia.Has(msg.Media)
	if msg.On && !takes {
		answer.Kind, answer.Reason = KindModalityRefused, wire(ReasonModalityRefused.Reason())
	}
	m.remote.Media = m.remote.Media.With(msg.Media, msg.On && takes)
	if msg.Request != 0 {
		m.send(answer)
	}
}

func (m *Machine) setMedia(which Media, on bool) {
	if media := m.media.With(which, on); media != m.media {
		m.media = media
		m.emit(Effect{Kind: EffectMediaChanged, Media: media})
	}
}
