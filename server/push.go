package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/calls"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/push"
	"github.com/parley-rtc/parley/server/store"
)

// PushDevicesPath is where apps register the phones that they want to be woken,
// with user access tokens: GET lists the user's, PUT registers one (PushDevice),
// DELETE forgets the one of the query's id. It is no part of ACS's contract.
const PushDevicesPath = "/parley/v1/push/devices"

// PushOptions say how phones are woken. The zero value wakes none.
type PushOptions struct {
	// APNs and FCM are the platforms; nil sends nothing to it.
	APNs *push.APNsOptions
	FCM  *push.FCMOptions
	// Content sends the beginning of texts, not only who wrote them.
	Content bool
	// RingTime is how long a call waits for a phone that was woken. Zero: 30 s.
	RingTime time.Duration
}

// PushDevice is a phone whose app wants to be woken.
type PushDevice struct {
	// ID is the app's own, unique for its user.
	ID string `json:"id"`
	// Platform is "apns" or "fcm".
	Platform string `json:"platform"`
	// Token is that for alerts; VoIPToken that of APNs for calls.
	Token     string `json:"token,omitempty"`
	VoIPToken string `json:"voipToken,omitempty"`
	// Sandbox tells that the tokens are of APNs' development environment.
	Sandbox bool `json:"sandbox,omitempty"`
}

// PushDevices are a user's, without their tokens.
type PushDevices struct {
	Devices []PushDevice `json:"devices"`
}

// openPush makes what wakes phones. It sends from startPush on.
func (s *Server) openPush() error {
	senders := map[push.Platform]push.Sender{}
	if o := s.options.Push.APNs; o != nil {
		sender, err := push.NewAPNs(*o)
		if err != nil {
			return err
		}
		senders[push.PlatformAPNs] = sender
	}
	if o := s.options.Push.FCM; o != nil {
		sender, err := push.NewFCM(*o)
		if err != nil {
			return err
		}
		senders[push.PlatformFCM] = sender
	}
	s.push = push.Open(push.Options{
		Store: s.store, Senders: senders, Content: s.options.Push.Content, Alone: s.options.Database == "",
		Now: s.options.Now, Logger: s.logger,
	})
	return nil
}

// startPush begins to send: the threads are there.
func (s *Server) startPush() (err error) {
	s.presence, err = push.OpenPresence(pushBus{s.bus}, s.node, func(users []string) []string {
		return append(s.chat.Hub().Present(users), s.calls.Present(users)...)
	})
	if err == nil {
		s.push.Start(s.chat, s.presence.Present)
	}
	return err
}

func (s *Server) closePush(note func(what string, err error)) {
	if s.push != nil {
		s.push.Close()
	}
	if s.presence != nil {
		note("presence", s.presence.Close())
	}
}

// pushBus gives push the bus as the interface that it asks for.
type pushBus struct{ *bus.Bus }

func (b pushBus) Subscribe(subject string, handler func(subject string, data []byte)) (push.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// notifiers are told one after the other.
type notifiers []chat.Notifier

// Notify tells all, as long as none fails.
func (all notifiers) Notify(tx *store.Tx, n *chat.Notice) error {
	for _, one := range all {
		if err := one.Notify(tx, n); err != nil {
			return err
		}
	}
	return nil
}

// Committed tells all.
func (all notifiers) Committed(e *chat.Event) {
	for _, one := range all {
		one.Committed(e)
	}
}

// wakeCallee wakes the phones of somebody who is called.
func (s *Server) wakeCallee(ctx context.Context, call calls.AsleepCall) (bool, error) {
	resource, err := guid.Parse(call.Resource)
	if err != nil {
		return false, err
	}
	return s.push.Ring(ctx, push.Call{
		ID: call.ID, From: call.From, To: call.To, DisplayName: call.DisplayName, Resource: resource, Video: call.Video, Life: call.Life,
	})
}

// userHandler answers a request of a user. A *front.Error is told; any other
// error is logged.
type userHandler func(w http.ResponseWriter, r *http.Request, user front.User) error

// userOnly lets requests pass that have a user access token of the resource at
// whose host they come.
func (s *Server) userOnly(door *front.Front, handle userHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := s.userOf(r)
		if err == nil {
			w.Header().Set("Cache-Control", "no-store")
			r.Body = http.MaxBytesReader(w, r.Body, maxOperatorBody)
			err = handle(w, r, user)
		}
		if err == nil {
			return
		}
		var refused *front.Error
		if !errors.As(err, &refused) {
			s.logger.Error("request of a user", "path", r.URL.Path, "error", err)
			refused = &front.Error{Status: http.StatusInternalServerError, Code: acswire.CodeInternalError, Message: "That did not work. Try again."}
		}
		door.Refuse(w, r, refused)
	})
}

func (s *Server) userOf(r *http.Request) (front.User, error) {
	at := s.hosts.ForRequest(r)
	if at == nil {
		return front.User{}, notFound("There is no resource at this host.")
	}
	scheme, token, _ := strings.Cut(r.Header.Get(acswire.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return front.User{}, unauthorizedManager("A user access token is needed.")
	}
	user, err := s.authenticateUser(r.Context(), strings.TrimSpace(token), at)
	if errors.Is(err, front.ErrTokenExpired) || errors.Is(err, front.ErrTokenInvalid) {
		return user, unauthorizedManager("The user access token is not valid, or not any more.")
	}
	return user, err
}

func (s *Server) servePushDevices(w http.ResponseWriter, r *http.Request, user front.User) error {
	switch r.Method {
	case http.MethodPut:
		return s.registerDevice(w, r, user)
	case http.MethodDelete:
		err := s.push.Unregister(r.Context(), user.RawID, r.URL.Query().Get("id"))
		if errors.Is(err, push.ErrNotFound) {
			return notFound("The user has no device with that id.")
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	}
	list, err := s.push.Devices(r.Context(), user.RawID)
	if err != nil {
		return err
	}
	answer := PushDevices{Devices: []PushDevice{}}
	for i := range list {
		answer.Devices = append(answer.Devices, PushDevice{ID: list[i].ID, Platform: string(list[i].Platform), Sandbox: list[i].Sandbox})
	}
	return answerJSON(w, http.StatusOK, answer)
}

func (s *Server) registerDevice(w http.ResponseWriter, r *http.Request, user front.User) error {
	var asked PushDevice
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return badRequest("The body is not a device: JSON with id, platform, token, voipToken, sandbox.")
	}
	err := s.push.Register(r.Context(), user.ResourceID, user.RawID, push.Device{
		ID: asked.ID, Platform: push.Platform(asked.Platform), Token: asked.Token, VoIPToken: asked.VoIPToken, Sandbox: asked.Sandbox,
	})
	if errors.Is(err, push.ErrDevice) {
		return badRequest(strings.TrimPrefix(err.Error(), "push: "))
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
