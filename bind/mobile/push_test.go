package mobile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
	"github.com/parley-rtc/parley/internal/testkit"
)

func TestParsePush(t *testing.T) {
	call := mobile.PushPayload{Kind: mobile.PushKindCall, CallID: "c", FromID: "8:acs:a", DisplayName: "Alice", Video: true}
	chat := mobile.PushPayload{Kind: mobile.PushKindChat, ThreadID: "19:t@thread.v2", MessageID: "1", SenderID: "8:acs:a", SenderDisplayName: "Alice", Text: "soup?"}
	for name, test := range map[string]struct {
		text string
		want *mobile.PushPayload
	}{
		"call from Google": {`{"type":"call","callId":"c","from":"8:acs:a","displayName":"Alice","video":"true"}`, &call},
		"call from Apple":  {`{"aps":{},"parley":{"type":"call","callId":"c","from":"8:acs:a","displayName":"Alice","video":"true"}}`, &call},
		"chat":             {`{"type":"chat","threadId":"19:t@thread.v2","messageId":"1","senderId":"8:acs:a","senderDisplayName":"Alice","text":"soup?"}`, &chat},
		"of the future":    {`{"type":"wave"}`, &mobile.PushPayload{}},
		"of another":       {`{"aps":{"alert":"x"}}`, nil},
		"nothing":          {``, nil},
		"null":             {`null`, nil},
		"a list":           {`[]`, nil},
		"numbers":          {`{"type":"call","callId":7}`, nil},
		"no call":          {`{"type":"call"}`, nil},
		"no thread":        {`{"type":"chat"}`, nil},
		"torn":             {`{"type":"call","callId":"c`, nil},
		"long":             {`{"type":"call","callId":"` + strings.Repeat("c", 1<<17) + `"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mobile.ParsePush(test.text)
			if test.want == nil {
				wantCode(t, "it", err, mobile.ErrorCodeInvalidArgument)
				return
			}
			if err != nil || *got != *test.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// FuzzParsePush: whatever comes is read or refused, and what is read has a kind
// that fits.
func FuzzParsePush(f *testing.F) {
	f.Add(`{"type":"call","callId":"c"}`)
	f.Fuzz(func(t *testing.T, text string) {
		push, err := mobile.ParsePush(text)
		switch {
		case err != nil:
			wantCode(t, "it", err, mobile.ErrorCodeInvalidArgument)
		case push.Kind == mobile.PushKindCall && push.CallID == "", push.Kind == mobile.PushKindChat && push.ThreadID == "":
			t.Errorf("%+v", push)
		}
	})
}

// FuzzFailureText: the text of any error is read without harm.
func FuzzFailureText(f *testing.F) {
	f.Add("parley 22 487/10004: nobody answered")
	f.Fuzz(func(t *testing.T, text string) {
		if failure := mobile.FailureOf(foreignError(text)); failure == nil || failure.Code < 0 || failure.CallCode < 0 {
			t.Errorf("%+v", failure)
		}
	})
}

type foreignError string

func (e foreignError) Error() string { return string(e) }

// TestFailure_Text: an error of which a language has kept the text alone has its
// codes all the same.
func TestFailure_Text(t *testing.T) {
	for text, want := range map[string]mobile.Failure{
		"parley 22 487/10004: nobody answered":      {Code: 22, CallCode: 487, CallSubcode: 10004, Message: "nobody answered"},
		"java.lang.Exception: parley 4: closed":     {Code: 4, Message: "closed"},
		"parley 99999999: too large to be a number": {Code: mobile.ErrorCodeUnknown, Message: "parley 99999999: too large to be a number"},

		"something else": {Code: mobile.ErrorCodeUnknown, Message: "something else"},
	} {
		if got := mobile.FailureOf(foreignError(text)); *got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if mobile.FailureOf(nil) != nil || mobile.ErrorCode(nil) != 0 {
		t.Error("no error is a failure")
	}
}

// TestPush_WokenByCall: the phone that was woken finds the call, and learns when
// there is none.
func TestPush_WokenByCall(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley, "--fcm", testkit.PushAccount(t))
	alice, bob := newPerson(t, service), newPerson(t, service)
	if err := bob.client.RegisterPush(bob.cred, &mobile.PushDevice{ID: "phone", Platform: mobile.PushPlatformFCM, Token: "0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	if err := bob.client.UnregisterPush(bob.cred, "phone"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "no phone", bob.client.RegisterPush(bob.cred, nil), mobile.ErrorCodeInvalidArgument)
	wantCode(t, "a phone without a token", bob.client.RegisterPush(bob.cred, &mobile.PushDevice{ID: "phone", Platform: mobile.PushPlatformFCM}), mobile.ErrorCodeInvalidArgument)
	wantCode(t, "a platform that is not there", bob.client.RegisterPush(bob.cred, &mobile.PushDevice{ID: "phone", Platform: mobile.PushPlatformAPNs, Token: "0123456789abcdef"}), mobile.ErrorCodeInvalidArgument)
	wantCode(t, "no platform", bob.client.RegisterPush(bob.cred, &mobile.PushDevice{ID: "phone"}), mobile.ErrorCodeInvalidArgument)
	alice.signIn("Alice")
	bob.signIn("Bob")
	call, err := alice.agent.StartCall(bob.id, nil, alice.events)
	if err != nil {
		t.Fatal(err)
	}
	incoming, err := bob.agent.AwaitIncomingCall(call.ID(), limit.Milliseconds())
	if err != nil || incoming.ID() != call.ID() {
		t.Fatal(err)
	}
	if err := call.HangUp(); err != nil {
		t.Fatal(err)
	}
	bob.events.wait("incoming ended 487/0")
	_, err = bob.agent.AwaitIncomingCall(call.ID(), 1)
	wantCode(t, "the caller has hung up", err, mobile.ErrorCodeTimeout)
	_, err = bob.agent.AwaitIncomingCall("", 1)
	wantCode(t, "no call", err, mobile.ErrorCodeInvalidArgument)
}

// connections hears why the connection of an agent changes.
type connections struct {
	*events
}

func (c connections) OnConnectionStateChanged(state int32, failure *mobile.Failure) {
	why := ""
	if failure != nil {
		why = failure.Message
	}
	c.add("connection %d: %s", state, why)
}

// TestPush_WokenAlive: a phone that a push wakes may have a connection that is
// dead and does not know it. It makes another, but not beneath a call.
func TestPush_WokenAlive(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	var err error
	if bob.agent, err = bob.client.NewCallAgent(bob.cred, nil, connections{bob.events}); err != nil {
		t.Fatal(err)
	}
	waits := make(chan error, 1)
	go func() {
		_, err := bob.agent.AwaitIncomingCall("a call that never comes", limit.Milliseconds())
		waits <- err
	}()
	bob.events.wait("connection 2: signaling: network changed")
	bob.events.wait("connection 1: ")
	atAlice, err := alice.agent.StartCall(bob.id, nil, alice.events)
	if err != nil {
		t.Fatal(err)
	}
	incoming, err := bob.agent.AwaitIncomingCall(atAlice.ID(), limit.Milliseconds())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := incoming.Accept(nil, bob.events); err != nil {
		t.Fatal(err)
	}
	_, err = bob.agent.AwaitIncomingCall("another", 1500)
	wantCode(t, "another", err, mobile.ErrorCodeTimeout)
	bob.events.mu.Lock()
	for _, event := range bob.events.heard {
		if strings.HasPrefix(event, "connection 2") {
			t.Errorf("beneath a call: %s", event)
		}
	}
	bob.events.mu.Unlock()
	bob.client.Close()
	wantCode(t, "the client was closed", <-waits, mobile.ErrorCodeClosed)
}
