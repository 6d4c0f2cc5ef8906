package push_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/push"
)

// hands is a clock that a test moves.
type hands struct{ ahead atomic.Int64 }

func (h *hands) now() time.Time       { return time.Now().Add(time.Duration(h.ahead.Load())) }
func (h *hands) move(d time.Duration) { h.ahead.Add(int64(d)) }

func message() *push.Notification {
	return &push.Notification{
		Token: "00aa11", Kind: push.KindChat, Title: "Alice", Body: "New message", Group: "19:a@thread.v2", Life: time.Hour,
		Data: map[string]string{"threadId": "19:a@thread.v2"},
	}
}

func TestAPNs_WhatIsSent(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	a := newApple(t)
	sender := a.sender(nil)
	if err := sender.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	p := a.take()
	if p.Token != "00aa11" || p.Topic != topic || p.Kind != "alert" || p.Sandbox || p.Data["type"] != "chat" || p.Data["threadId"] != "19:a@thread.v2" {
		t.Errorf("%+v", p)
	}
	if got := string(p.Body["aps"]); got != `{"alert":{"title":"Alice","body":"New message"},"sound":"default","mutable-content":1,"thread-id":"19:a@thread.v2"}` {
		t.Errorf("%s", got)
	}
	call := &push.Notification{Token: "bb22", VoIP: true, Sandbox: true, Kind: push.KindCall, Data: map[string]string{"callId": "1"}, Life: time.Minute}
	if err := sender.Send(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if p := a.take(); p.Topic != topic+".voip" || p.Kind != "voip" || !p.Sandbox || string(p.Body["aps"]) != "{}" || p.Data["callId"] != "1" {
		t.Errorf("%+v", p)
	}
}

func TestAPNs_TokenOfTheProvider(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	a, clock := newApple(t), &hands{}
	sender := a.sender(clock.now)
	send := func() string {
		t.Helper()
		if err := sender.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
		return a.take().Bearer
	}
	first := send()
	clock.move(39 * time.Minute)
	if send() != first {
		t.Error("a new token before its time")
	}
	clock.move(2 * time.Minute)
	second := send()
	if second == first {
		t.Error("the token is too old")
	}
	// Apple finds it too old before we do.
	clock.move(21 * time.Minute)
	a.next(answer{status: http.StatusForbidden, body: `{"reason":"ExpiredProviderToken"}`})
	if err := sender.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if refused, taken := a.take(), a.take(); refused.Bearer != second || taken.Bearer == second || taken.Status != http.StatusOK {
		t.Errorf("%+v, then %+v", refused, taken)
	}
}

// outcomes are what answers mean, for both platforms.
func outcomes(t *testing.T, s *standIn, sender push.Sender, table map[string]answer) {
	t.Helper()
	for name, a := range table {
		t.Run(name, func(t *testing.T) {
			s.next(a)
			err := sender.Send(t.Context(), message())
			s.take()
			var later *push.LaterError
			isLater := errors.As(err, &later)
			switch {
			case strings.HasPrefix(name, "gone"):
				if !errors.Is(err, push.ErrGone) {
					t.Error(err)
				}
			case strings.HasPrefix(name, "later"):
				if !isLater || a.after == "7" && later.After != 7*time.Second || a.after != "7" && later.After != 0 {
					t.Error(err)
				}
			default:
				if err == nil || isLater || errors.Is(err, push.ErrGone) {
					t.Error(err)
				}
			}
		})
	}
}

func TestAPNs_Answers(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	a := newApple(t)
	sender := a.sender(nil)
	outcomes(t, &a.standIn, sender, map[string]answer{
		"gone: unregistered":     {http.StatusGone, `{"reason":"Unregistered","timestamp":1}`, ""},
		"gone: no such token":    {http.StatusBadRequest, `{"reason":"BadDeviceToken"}`, ""},
		"gone: another app's":    {http.StatusBadRequest, `{"reason":"DeviceTokenNotForTopic"}`, ""},
		"later: too many":        {http.StatusTooManyRequests, `{"reason":"TooManyRequests"}`, "7"},
		"later: being stopped":   {http.StatusServiceUnavailable, `{"reason":"Shutdown"}`, ""},
		"later: wrong key":       {http.StatusForbidden, `{"reason":"InvalidProviderToken"}`, ""},
		"later: no JSON":         {http.StatusInternalServerError, `<html>`, "x"},
		"refused: large":         {http.StatusRequestEntityTooLarge, `{"reason":"PayloadTooLarge"}`, ""},
		"refused: a bad request": {http.StatusBadRequest, `{"reason":"BadTopic"}`, ""},
		"refused: moved":         {http.StatusMovedPermanently, ``, ""},
	})
	a.Close()
	err := sender.Send(t.Context(), message())
	if later := (*push.LaterError)(nil); !errors.As(err, &later) || strings.Contains(err.Error(), "00aa11") {
		t.Errorf("nobody is there: %v", err)
	}
}

func TestFCM_WhatIsSent(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	g, clock := newGoogle(t), &hands{}
	sender := g.sender(clock.now)
	send := func() pushed {
		t.Helper()
		if err := sender.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
		return g.take()
	}
	first := send()
	if first.Token != "00aa11" || first.Data["type"] != "chat" || first.Data["threadId"] != "19:a@thread.v2" {
		t.Errorf("%+v", first)
	}
	if again := send(); again.Bearer != first.Bearer {
		t.Error("a new access token for each message")
	}
	clock.move(56 * time.Minute)
	second := send()
	if second.Bearer == first.Bearer {
		t.Error("the access token is at its end")
	}
	g.revoke()
	if third := send(); third.Bearer == second.Bearer {
		t.Error("a void access token")
	}
}

func TestFCM_Answers(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	g := newGoogle(t)
	sender := g.sender(nil)
	fault := func(status int, code string) answer {
		return answer{status, `{"error":{"status":"X","details":[{"@type":"other"},{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"` + code + `"}]}}`, ""}
	}
	busy := fault(http.StatusTooManyRequests, "QUOTA_EXCEEDED")
	busy.after = "7"
	outcomes(t, &g.standIn, sender, map[string]answer{
		"gone: unregistered":      fault(http.StatusNotFound, "UNREGISTERED"),
		"gone: another account's": fault(http.StatusForbidden, "SENDER_ID_MISMATCH"),
		"later: too many":         busy,
		"later: not there":        fault(http.StatusServiceUnavailable, "UNAVAILABLE"),
		"later: no right":         {http.StatusForbidden, `{"error":{"status":"PERMISSION_DENIED"}}`, ""},
		"refused: wrong":          fault(http.StatusBadRequest, "INVALID_ARGUMENT"),
		"refused: no JSON":        {http.StatusNotFound, `<html>`, ""},
	})
	fresh := g.sender(nil)
	for _, denied := range []answer{{http.StatusBadRequest, `{"error":"invalid_grant"}`, ""}, {http.StatusOK, `{}`, ""}, {http.StatusOK, `x`, ""}} {
		g.mu.Lock()
		g.denied = denied
		g.mu.Unlock()
		if later := (*push.LaterError)(nil); !errors.As(fresh.Send(t.Context(), message()), &later) {
			t.Errorf("%+v is taken for a token", denied)
		}
	}
}

func TestSenders_Config(t *testing.T) {
	a, g := newApple(t), newGoogle(t)
	for _, change := range []func(*push.APNsOptions){
		func(o *push.APNsOptions) { o.Key = nil },
		func(o *push.APNsOptions) {
			o.Key = []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
		},
		func(o *push.APNsOptions) { o.KeyID = "" },
		func(o *push.APNsOptions) { o.TeamID = "" },
		func(o *push.APNsOptions) { o.Topic = "" },
	} {
		o := a.options(nil)
		change(&o)
		if _, err := push.NewAPNs(o); !errors.Is(err, push.ErrConfig) {
			t.Error(err)
		}
	}
	good := string(g.options(nil).Account)
	for i, text := range []string{"", "{}", strings.Replace(good, "MII", "AAA", 1), strings.Replace(good, "https://", "http://", 1), strings.Replace(good, `"project_id":"`+project, `"project_id":"`, 1)} {
		if _, err := push.NewFCM(push.FCMOptions{Account: []byte(text)}); !errors.Is(err, push.ErrConfig) {
			t.Errorf("account %d: %v", i, err)
		}
	}
}
