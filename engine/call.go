package engine

import "context"

// Call is a conversation. Its methods are safe for many goroutines and may be
// called from handlers; those without a context never block.
type Call struct{}

// ID returns the call's identifier, the same at all ends.
func (c *Call) ID() CallID { return CallID{} }

// Direction tells who placed the call.
func (c *Call) Direction() CallDirection { return CallDirectionOutgoing }

// State returns the call's state now; handlers may still be busy with older ones.
func (c *Call) State() CallState { return CallStateNone }

// EndReason tells why the call ended; its zero value while it has not.
func (c *Call) EndReason() EndReason { return EndReason{} }

// Done is closed when the call is Disconnected.
func (c *Call) Done() <-chan struct{} { return nil }

// Participants returns the other sides.
func (c *Call) Participants() []*RemoteParticipant { return nil }

// HangUp leaves the call and returns when it is Disconnected. When ctx ends
// first the call still ends by itself within five seconds. On a call that has
// ended it does nothing.
func (c *Call) HangUp(ctx context.Context, options *HangUpOptions) error { return errNotYet }

// Hold stops media both ways until Resume and tells the other side. On a call
// that is on local hold it does nothing.
func (c *Call) Hold(ctx context.Context) error { return errNotYet }

// Resume ends a hold of this side. The agent's active call, if it is another
// one, is put on hold first. Without a local hold it does nothing.
func (c *Call) Resume(ctx context.Context) error { return errNotYet }

// Mute stops sending what the audio track gives and tells the other side.
func (c *Call) Mute(ctx context.Context) error { return errNotYet }

// Unmute undoes Mute.
func (c *Call) Unmute(ctx context.Context) error { return errNotYet }

// IsMuted tells whether outgoing audio is muted.
func (c *Call) IsMuted() bool { return false }

// MuteIncoming gives silence to the audio sink. Nobody else is told.
func (c *Call) MuteIncoming(ctx context.Context) error { return errNotYet }

// UnmuteIncoming undoes MuteIncoming.
func (c *Call) UnmuteIncoming(ctx context.Context) error { return errNotYet }

// IsIncomingMuted tells whether incoming audio is muted.
func (c *Call) IsIncomingMuted() bool { return false }

// AddTrack starts sending track. For video it returns when the other side has
// agreed; it fails with a *CallError when that takes longer than the modality
// timer, with ErrUnsupported when no common codec fits the track, and with
// ErrTrackInUse when the call already sends video. An audio track may be added
// once; to change the microphone use LocalAudioTrack.SetSource.
func (c *Call) AddTrack(ctx context.Context, track LocalTrack) error { return errNotYet }

// RemoveTrack stops sending track. It returns ErrNoSuchTrack when the call does
// not send it.
func (c *Call) RemoveTrack(ctx context.Context, track LocalTrack) error { return errNotYet }

// LocalTracks returns what the call sends.
func (c *Call) LocalTracks() []LocalTrack { return nil }

// SetAudioSink changes where the other sides' audio goes. Nil: nowhere.
func (c *Call) SetAudioSink(ctx context.Context, sink AudioSink) error { return errNotYet }

// SendDTMF sends tones, each one of 0–9, A–D, * and #, at most 64. It returns
// when they are queued; they are played one after another.
func (c *Call) SendDTMF(ctx context.Context, tones string) error { return errNotYet }

// NewDataSender opens a sending data channel.
func (c *Call) NewDataSender(options *DataSenderOptions) (*DataSender, error) { return nil, errNotYet }

// Stats returns a snapshot of the call's media statistics.
func (c *Call) Stats() CallStats { return CallStats{} }
