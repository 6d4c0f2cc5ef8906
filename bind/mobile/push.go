package mobile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// What a push tells of.
const (
	// PushKindOther is of a kind that this version does not know.
	PushKindOther int32 = 0
	// PushKindCall is somebody who calls: sign in, and wait with
	// CallAgent.AwaitIncomingCall.
	PushKindCall int32 = 1
	// PushKindChat is a message to fetch.
	PushKindChat int32 = 2
)

// maxPush is above what any platform delivers, which is 4 or 5 KB.
const maxPush = 64 << 10

// PushPayload is what the service tells a phone that sleeps. What is not known
// is empty. Anybody may have sent it: it is a reason to look, no proof.
type PushPayload struct {
	// Kind is one of the PushKind constants.
	Kind int32
	// CallID is the call's, FromID the raw id of who calls, DisplayName the name
	// that goes with it, Video tells a call that begins with video.
	CallID      string
	FromID      string
	DisplayName string
	Video       bool
	// ThreadID and MessageID are the message's, SenderID is the raw id of who
	// wrote it, SenderDisplayName the name that goes with it, Text the beginning of
	// the message when the service sends it.
	ThreadID          string
	MessageID         string
	SenderID          string
	SenderDisplayName string
	Text              string
}

// pushData is a push as it travels; all values are texts.
type pushData struct {
	Type              string `json:"type"`
	CallID            string `json:"callId"`
	From              string `json:"from"`
	DisplayName       string `json:"displayName"`
	Video             string `json:"video"`
	ThreadID          string `json:"threadId"`
	MessageID         string `json:"messageId"`
	SenderID          string `json:"senderId"`
	SenderDisplayName string `json:"senderDisplayName"`
	Text              string `json:"text"`
}

// ParsePush reads a push as JSON: the payload of PushKit or of a notification of
// APNs, or the data of a message of FCM. What is none of the service's gives
// ErrorCodeInvalidArgument.
func ParsePush(payload string) (push *PushPayload, err error) {
	defer guard(&err)
	if len(payload) > maxPush {
		return nil, fmt.Errorf("%w: a push of %d bytes", errArgument, len(payload))
	}
	// APNs has it beside "aps", FCM alone.
	var outer struct {
		pushData
		Parley *pushData `json:"parley"`
	}
	if err := json.Unmarshal([]byte(payload), &outer); err != nil {
		return nil, fmt.Errorf("%w: the push cannot be read: %w", errArgument, err)
	}
	d := &outer.pushData
	if outer.Parley != nil {
		d = outer.Parley
	}
	if d.Type == "" {
		return nil, fmt.Errorf("%w: the push is none of Parley's", errArgument)
	}
	push = &PushPayload{
		CallID: d.CallID, FromID: d.From, DisplayName: d.DisplayName, Video: d.Video == "true", ThreadID: d.ThreadID,
		MessageID: d.MessageID, SenderID: d.SenderID, SenderDisplayName: d.SenderDisplayName, Text: d.Text,
	}
	switch d.Type {
	case "call":
		if push.Kind = PushKindCall; d.CallID == "" {
			return nil, fmt.Errorf("%w: a push of a call without its id", errArgument)
		}
	case "chat":
		if push.Kind = PushKindChat; d.ThreadID == "" {
			return nil, fmt.Errorf("%w: a push of a message without its thread", errArgument)
		}
	}
	return push, nil
}

// reconnectAfter is how long AwaitIncomingCall trusts the connection: one that
// lives, or was just made, brings a call in less.
const reconnectAfter = 500 * time.Millisecond

// AwaitIncomingCall returns the call that a push has told of, once it rings at
// this agent. It waits so many milliseconds, at most ClientOptions.TimeLimit,
// and gives ErrorCodeTimeout when it does not come: the caller has hung up, so
// stop ringing. A system may have taken the sockets of the application that it
// wakes: an agent without a call reconnects when the call is not there at once.
func (a *CallAgent) AwaitIncomingCall(callID string, milliseconds int64) (call *IncomingCall, err error) {
	defer guard(&err)
	if milliseconds < 0 || callID == "" {
		return nil, fmt.Errorf("%w: no call, or no time", errArgument)
	}
	err = a.run(nil, func(ctx context.Context) error {
		timer := time.NewTimer(time.Duration(min(milliseconds, int64(time.Hour/time.Millisecond))) * time.Millisecond)
		defer timer.Stop()
		silence := time.NewTimer(reconnectAfter)
		defer silence.Stop()
		for {
			var changed <-chan struct{}
			if call, changed = a.ringingCall(callID); call != nil {
				return nil
			}
			select {
			case <-changed:
			case <-silence.C:
				if len(a.allCalls()) == 0 {
					a.agent.NetworkChanged()
				}
			case <-timer.C:
				return errTimeout
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})
	return call, err
}

// ringingCall returns a call that rings, or what is closed when another one does.
func (a *CallAgent) ringingCall(id string) (*IncomingCall, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, i := range a.ringing {
		if i.incoming.ID().String() == id {
			return i, nil
		}
	}
	return nil, a.changed
}

// The platforms that wake phones.
const (
	// PushPlatformAPNs is Apple's.
	PushPlatformAPNs int32 = 1
	// PushPlatformFCM is Google's.
	PushPlatformFCM int32 = 2
)

// pushDevicesPath is where phones are registered.
const pushDevicesPath = "/parley/v1/push/devices"

// PushDevice is this phone, as it wants to be woken.
type PushDevice struct {
	// ID is the application's own, one for each installation. Required.
	ID string
	// Platform is one of the PushPlatform constants.
	Platform int32
	// Token is the platform's for notifications, VoIPToken that of PushKit for
	// calls.
	Token     string
	VoIPToken string
	// Sandbox tells that the tokens are of APNs' development environment.
	Sandbox bool
}

// RegisterPush tells the service how to wake this phone for the credential's
// user: after each sign-in, and whenever the platform gives another token.
func (c *Client) RegisterPush(credential *Credential, device *PushDevice) (err error) {
	defer guard(&err)
	if device == nil {
		return fmt.Errorf("%w: no device", errArgument)
	}
	platform := map[int32]string{PushPlatformAPNs: "apns", PushPlatformFCM: "fcm"}[device.Platform]
	if platform == "" {
		return fmt.Errorf("%w: platform %d", errArgument, device.Platform)
	}
	return c.pushDevices(credential, core.Call{Method: http.MethodPut, Body: struct {
		ID        string `json:"id"`
		Platform  string `json:"platform"`
		Token     string `json:"token,omitempty"`
		VoIPToken string `json:"voipToken,omitempty"`
		Sandbox   bool   `json:"sandbox,omitempty"`
	}{device.ID, platform, device.Token, device.VoIPToken, device.Sandbox}})
}

// UnregisterPush makes the service forget a phone, by the ID it was registered
// with: when the user signs out.
func (c *Client) UnregisterPush(credential *Credential, deviceID string) (err error) {
	defer guard(&err)
	return c.pushDevices(credential, core.Call{Method: http.MethodDelete, Query: url.Values{"id": {deviceID}}})
}

// pushDevices sends a request about the user's phones.
func (c *Client) pushDevices(credential *Credential, call core.Call) error {
	if credential == nil || credential.source == nil {
		return fmt.Errorf("%w: no credential", errArgument)
	}
	call.Path = pushDevicesPath
	return c.run(nil, func(ctx context.Context) error {
		client, err := core.NewClient(core.ClientConfig{
			Module: "mobile", Version: "v0.1.0", Endpoint: c.options.Endpoint,
			Credential: common.NewTokenPolicy(credential.source, &core.BearerPolicyOptions{AllowPlainHTTP: c.options.AllowPlainHTTP}),
		}, &core.ClientOptions{Transport: c.transport, AllowPlainHTTP: c.options.AllowPlainHTTP})
		if err != nil {
			return err
		}
		resp, err := client.Call(ctx, call)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	})
}
