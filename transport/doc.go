// Package transport carries the media and the data of one call between two
// ends: path finding (ICE, RFC 8445), encryption (DTLS-SRTP, RFC 5764) and
// data channels (SCTP, RFC 8831) behind a few types of our own. The stack
// underneath is pion/webrtc; no name of it appears here.
//
// A Session is one such connection. One side makes the offer, the other one
// the answer, and both hand over candidates as they are found:
//
//	a, err := transport.New(&transport.Options{AudioCodecs: codecs, Events: events})
//	offer, err := a.Offer(ctx)             // to the other side, which calls Answer
//	err = a.SetAnswer(answer)              // what the other side returned
//	err = a.AddCandidates(batch)           // whatever its Candidates event gave
//	err = a.WritePacket(packet.KindAudio, p)
//	err = a.Close()
//
// # Sections
//
// Every session has one audio section, one video section (when VideoCodecs is
// not empty) and two data channels agreed beforehand: id 0 reliable and
// ordered, id 1 lossy and unordered. All are sendrecv from the start, so that
// nothing that a call does later needs another description, but for Restart.
//
// # Addresses
//
// With HideAddresses, everything is gathered but only relay candidates are
// given to the other side, without their related address, until
// RevealAddresses; then the rest follows and the path improves while packets
// go on flowing.
//
// # Threads
//
// All methods are safe for concurrent use. Events come from the goroutines of
// the transport: a handler must not block, and may call any method, Close
// included. Candidates and StateChanged come in order, one at a time. Once
// Close has returned to a caller outside of a handler, at most events that were
// already under way still arrive.
//
// # Bad input
//
// Descriptions, candidates and packets from the other side are never trusted:
// what does not parse, or is beyond the limits given at MaxRemoteCandidates,
// MaxDescriptionSize and MaxMessageSize, is refused with one of the errors of
// this package, and nothing else happens to the session.
package transport
