package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/media"
)

// AddTrack starts sending track. For video it returns when the other side has
// agreed; it fails with a *CallError when that takes longer than the modality
// timer, with ErrUnsupported when no common codec fits the track, with
// ErrInvalidState before the call is connected, and with ErrTrackInUse when the
// call sends a track of that kind already. To change the microphone or the
// camera use SetSource of the track.
func (c *Call) AddTrack(ctx context.Context, track LocalTrack) error {
	switch t := track.(type) {
	case *LocalAudioTrack:
		if t != nil {
			return c.do(ctx, func() error { return c.addAudio(t) })
		}
	case *LocalVideoTrack:
		if t != nil {
			return c.addVideo(ctx, t)
		}
	}
	return fmt.Errorf("%w: no track", ErrInvalidOptions)
}

// RemoveTrack stops sending track, at once. For video it returns when the other
// side has confirmed it, or a *CallError when it has not in time; the track is
// removed all the same. It returns ErrNoSuchTrack when the call does not send
// that track.
func (c *Call) RemoveTrack(ctx context.Context, track LocalTrack) error {
	switch t := track.(type) {
	case *LocalAudioTrack:
		return c.do(ctx, func() error { return c.removeAudio(t) })
	case *LocalVideoTrack:
		return c.removeVideo(ctx, t)
	}
	return ErrNoSuchTrack
}

// LocalTracks returns what the call sends.
func (c *Call) LocalTracks() []LocalTrack { return slices.Clone(c.getView().tracks) }

func (c *Call) addAudio(t *LocalAudioTrack) error {
	if c.audio != nil {
		return ErrTrackInUse
	}
	c.audio = t
	t.bind(c)
	c.bindAudio()
	c.tracksChanged(t, nil)
	return nil
}

func (c *Call) removeAudio(t *LocalAudioTrack) error {
	if t == nil || c.audio != t {
		return ErrNoSuchTrack
	}
	c.audio = nil
	t.unbind(c)
	c.bindAudio()
	c.tracksChanged(nil, t)
	return nil
}

// bindAudio gives the sender the source of the audio track.
func (c *Call) bindAudio() {
	m := c.media.Load()
	if m == nil {
		return
	}
	t := c.audio
	if t == nil {
		m.sender.SetSource(nil)
		return
	}
	m.sender.SetSource(t.feed(func(err error) {
		c.post(func() {
			emit(c, c.options.Events.TrackEnded, LocalTrackEnded{Call: c, Track: t, Err: trackEndError(err)})
		})
	}))
}

func (c *Call) addVideo(ctx context.Context, t *LocalVideoTrack) error {
	prepare := func() (callfsm.Input, error) {
		switch {
		case c.video != nil:
			return callfsm.Input{}, ErrTrackInUse
		case !c.machine.State().Established():
			return callfsm.Input{}, ErrInvalidState
		}
		m := c.media.Load()
		if m == nil || m.videoOut == nil {
			return callfsm.Input{}, fmt.Errorf("%w: no common video codec", ErrUnsupported)
		}
		if err := m.videoOut.SetSource(t.feed()); err != nil {
			return callfsm.Input{}, videoError(err)
		}
		c.video = t
		t.bind(c)
		c.tracksChanged(t, nil)
		return callfsm.Input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo, On: true}, nil
	}
	undo := func() {
		if c.video == t {
			c.dropVideo(t)
			// Should the other side have agreed in the meantime, it learns better.
			c.request++
			c.input(callfsm.Input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo, Request: c.request})
		}
	}
	return c.operate(ctx, prepare, undo)
}

func (c *Call) removeVideo(ctx context.Context, t *LocalVideoTrack) error {
	prepare := func() (callfsm.Input, error) {
		if t == nil || c.video != t {
			return callfsm.Input{}, ErrNoSuchTrack
		}
		c.dropVideo(t)
		return callfsm.Input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo}, nil
	}
	return c.operate(ctx, prepare, func() {})
}

// dropVideo stops sending a video track, whatever the other side says.
func (c *Call) dropVideo(t *LocalVideoTrack) {
	c.video = nil
	t.unbind(c)
	c.bindVideo()
	c.updateSending()
	c.tracksChanged(nil, t)
}

// bindVideo gives the sender the source of the video track.
func (c *Call) bindVideo() {
	m := c.media.Load()
	if m == nil || m.videoOut == nil {
		if m != nil && c.video != nil {
			c.videoUnsupported(c.video, fmt.Errorf("%w: no common video codec", ErrUnsupported))
		}
		return
	}
	var source VideoSource
	if c.video != nil {
		source = c.video.feed()
	}
	if err := m.videoOut.SetSource(source); err != nil {
		c.videoUnsupported(c.video, videoError(err))
	}
}

// videoUnsupported reports a track that cannot be sent; it stays added, so that
// SetSource can put it right.
func (c *Call) videoUnsupported(t *LocalVideoTrack, err error) {
	emit(c, c.options.Events.TrackEnded, LocalTrackEnded{Call: c, Track: t, Err: err})
}

// videoEnded is told by the sender that a source has ended or failed.
func (c *Call) videoEnded(_ VideoSource, err error) {
	c.post(func() {
		if t := c.video; t != nil {
			emit(c, c.options.Events.TrackEnded, LocalTrackEnded{Call: c, Track: t, Err: trackEndError(err)})
		}
	})
}

func videoError(err error) error {
	if errors.Is(err, media.ErrCodecMismatch) {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("engine: video: %w", err)
}

// tracksChanged records and reports one track added or removed.
func (c *Call) tracksChanged(added, removed LocalTrack) {
	event := LocalTracksUpdated{Call: c}
	c.setView(func(v *callView) {
		tracks := slices.Clone(v.tracks)
		if removed != nil {
			tracks = slices.DeleteFunc(tracks, func(t LocalTrack) bool { return t == removed })
			event.Removed = []LocalTrack{removed}
		}
		if added != nil {
			tracks = append(tracks, added)
			event.Added = []LocalTrack{added}
		}
		v.tracks = tracks
	})
	emit(c, c.options.Events.LocalTracksUpdated, event)
}
