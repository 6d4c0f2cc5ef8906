package mobile_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
	"github.com/parley-rtc/parley/internal/testkit"
)

// everyMethod calls each exported method of an object with arguments that are
// nothing, and gives its error, nil for methods without one.
func everyMethod(t *testing.T, object any, check func(name string, err error)) {
	t.Helper()
	v := reflect.ValueOf(object)
	for i := range v.NumMethod() {
		name := fmt.Sprintf("%s.%s", v.Elem().Type().Name(), v.Type().Method(i).Name)
		method := v.Method(i)
		args := make([]reflect.Value, method.Type().NumIn())
		for n := range args {
			args[n] = reflect.Zero(method.Type().In(n))
		}
		done := make(chan error, 1)
		go func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%s panicked: %v", name, r)
					done <- nil
				}
			}()
			var err error
			for _, result := range method.Call(args) {
				if e, ok := result.Interface().(error); ok {
					err = e
				}
			}
			done <- err
		}()
		select {
		case err := <-done:
			check(name, err)
		case <-time.After(limit):
			t.Fatalf("%s does not return", name)
		}
	}
}

// TestZeroObjects: objects that nobody made, which some languages allow, count
// as closed.
func TestZeroObjects(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for _, object := range []any{
		&mobile.Client{}, &mobile.Credential{}, &mobile.CallAgent{}, &mobile.IncomingCall{}, &mobile.Call{}, &mobile.RemoteParticipant{},
		&mobile.Audio{}, &mobile.VideoSource{}, &mobile.DataSender{}, &mobile.Canceler{}, &mobile.ChatClient{}, &mobile.ChatThread{},
		&mobile.ChatThreadPager{}, &mobile.ChatMessagePager{}, &mobile.ChatParticipantPager{}, &mobile.ChatReadReceiptPager{},
		&mobile.Outbox{}, &mobile.Metadata{}, &mobile.CallList{}, &mobile.IncomingCallList{}, &mobile.RemoteParticipantList{},
		&mobile.ChatMessage{}, &mobile.ChatMessageOptions{}, &mobile.ChatThreadOptions{}, &mobile.ChatThreadEvent{},
		&mobile.ChatParticipantsEvent{}, &mobile.ChatThreadProperties{}, &mobile.ChatThreadStateList{}, &mobile.OutboxMessageList{},
		&mobile.InvalidParticipantList{}, &mobile.ChatParticipantList{}, &mobile.ChatAttachmentList{},
	} {
		everyMethod(t, object, func(name string, err error) {
			switch code := mobile.ErrorCode(err); code {
			case 0, mobile.ErrorCodeClosed, mobile.ErrorCodeInvalidArgument:
			default:
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// closedObjects makes one of everything, with a call, and closes it all.
func closedObjects(t *testing.T) []any {
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	bob.signIn("Bob")
	a, _ := connect(alice, bob, nil)
	sender, err := a.NewDataSender(0, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	camera, err := alice.client.NewVideoSource(mobile.VideoCodecVP8, nil)
	if err != nil {
		t.Fatal(err)
	}
	chat := alice.chat(nil)
	if err := chat.Start(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "started twice", chat.Start(), mobile.ErrorCodeInvalidState)
	thread, err := chat.CreateThread("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := chat.OpenOutbox(tempFile(t, "outbox"), nil)
	if err != nil {
		t.Fatal(err)
	}
	rings, err := bob.agent.StartCall(alice.id, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	incoming := <-alice.events.incoming
	objects := []any{
		alice.client, alice.agent, a, incoming, rings, a.Participants().At(0), alice.client.Audio(), camera, sender, chat, thread, out,
		chat.Threads(), thread.Messages(), thread.Participants(), thread.ReadReceipts(), alice.cred,
	}
	alice.client.Close()
	camera.Close()
	alice.cred.Close()
	return objects
}

// TestAfterClose: every method of everything after Close gives
// ErrorCodeClosed, ErrorCodeCallEnded or nothing, and Close may be called again.
func TestAfterClose(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	for _, object := range closedObjects(t) {
		for range 2 {
			everyMethod(t, object, func(name string, err error) {
				switch code := mobile.ErrorCode(err); code {
				case 0, mobile.ErrorCodeClosed, mobile.ErrorCodeCallEnded, mobile.ErrorCodeInvalidArgument:
				default:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
}

// TestThousandThreads: a thousand threads call everything of a call and a chat
// at once, while it is closed.
func TestThousandThreads(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	bob.signIn("Bob")
	a, b := connect(alice, bob, nil)
	chat := alice.chat(nil)
	if err := chat.Start(); err != nil {
		t.Fatal(err)
	}
	thread, err := chat.CreateThread("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 960)
	work := []func() error{
		a.Mute, a.Unmute, a.Hold, a.Resume, b.MuteIncoming, b.UnmuteIncoming, thread.SendTyping, a.RequestKeyFrame,
		func() error { return a.SendDTMF("1") },
		func() error { _ = a.Stats() + a.ID(); return nil },
		func() error { a.Participants().At(0).IsSpeaking(); return nil },
		func() error { alice.client.Audio().ReadPCM(make([]byte, 960)); return nil },
		func() error { alice.client.Audio().WritePCM(block); return nil },
		func() error { alice.client.Audio().RouteChanged(); return nil },
		func() error { alice.agent.Calls().At(0); return nil },
		func() error { chat.ThreadStates().At(0); _ = chat.Position(); return nil },
		func() error { _, err := a.NewDataSender(0, true, 0); return err },
		func() error { alice.client.EnterForeground(); return nil },
		func() error { _, err := thread.Properties(); return err },
	}
	var wg sync.WaitGroup
	var closing atomic.Bool
	for n := range 1000 {
		wg.Go(func() {
			if n == 700 {
				closing.Store(true)
				alice.client.Close()
				return
			}
			if err := work[n%len(work)](); err != nil && mobile.ErrorCode(err) == mobile.ErrorCodeInternal {
				t.Errorf("%d: %v", n%len(work), err)
			}
		})
	}
	wg.Wait()
	bob.events.wait(state(mobile.CallStateDisconnected))
}

// TestListeners_MayDoAnything: a listener that panics harms nothing, and one may
// call any method, Close included.
func TestListeners_MayDoAnything(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	bob.signIn("Bob")
	var once sync.Once
	alice.events.on = func(event string) {
		if strings.HasPrefix(event, "media") {
			panic("a listener's bug")
		}
		once.Do(func() {
			// Whatever it is: from here everything is allowed.
			for i := range alice.agent.Calls().Len() {
				call := alice.agent.Calls().At(i)
				_ = call.Stats()
				_ = call.Mute()
				_ = call.RequestKeyFrame()
				_ = call.Unmute()
			}
			runtime.GC()
		})
	}
	a, _ := connect(alice, bob, nil)
	closed := make(chan struct{})
	bob.events.mu.Lock()
	bob.events.on = func(event string) {
		if event == "participant muted true" {
			bob.client.Close()
			close(closed)
		}
	}
	bob.events.mu.Unlock()
	if err := a.Mute(); err != nil {
		t.Fatal(err)
	}
	<-closed
	alice.events.wait(state(mobile.CallStateDisconnected))
}

// refresher is an application's back end.
type refresher struct {
	asked atomic.Int32
	give  func(n int32) (string, error)
}

func (r *refresher) RefreshToken() (string, error) { return r.give(r.asked.Add(1)) }

// TestCredential_Refresher: tokens come from the application; that it throws or
// gives nonsense becomes an error of the method that needed one.
func TestCredential_Refresher(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	id, token := service.NewUser(t)
	for name, give := range map[string]func(int32) (string, error){
		"throws":   func(int32) (string, error) { return "", errors.New("no back end") },
		"panics":   func(int32) (string, error) { panic("a bug") },
		"nonsense": func(int32) (string, error) { return "nonsense", nil },
		"empty":    func(int32) (string, error) { return "", nil },
	} {
		p := clientOf(t, service, id, token)
		r := &refresher{give: give}
		cred, err := mobile.NewRefreshingCredential("", r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.client.NewCallAgent(cred, nil, nil)
		wantCode(t, name, err, mobile.ErrorCodeUnauthorized)
		cred.Close()
		if asked := r.asked.Load(); asked == 0 {
			t.Errorf("%s: nobody asked", name)
		}
	}
	r := &refresher{give: func(int32) (string, error) { return token, nil }}
	cred, err := mobile.NewRefreshingCredential("", r)
	if err != nil {
		t.Fatal(err)
	}
	p := clientOf(t, service, id, token)
	agent, err := p.client.NewCallAgent(cred, nil, p.events)
	if err != nil || agent.Identifier() != id {
		t.Fatal(err)
	}
	if _, err := mobile.NewRefreshingCredential("", nil); mobile.ErrorCode(err) != mobile.ErrorCodeInvalidArgument {
		t.Error(err)
	}
	if _, err := mobile.NewCredential("nonsense"); mobile.ErrorCode(err) != mobile.ErrorCodeInvalidArgument {
		t.Error(err)
	}
}

// TestClient_BadOptions: what cannot be is refused with a code.
func TestClient_BadOptions(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for name, options := range map[string]*mobile.ClientOptions{
		"nothing":         nil,
		"no endpoint":     {},
		"another scheme":  {Endpoint: "ftp://localhost"},
		"plain http":      {Endpoint: "http://localhost"},
		"no certificates": {Endpoint: "https://localhost", RootCertificates: "nonsense"},
	} {
		_, err := mobile.NewClient(options)
		wantCode(t, name, err, mobile.ErrorCodeInvalidArgument)
	}
	client, err := mobile.NewClient(&mobile.ClientOptions{Endpoint: "http://127.0.0.1:1", AllowPlainHTTP: true, TimeLimit: 50, MemoryLimit: -1, GCPercent: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.NewCallAgent(nil, nil, nil)
	wantCode(t, "no credential", err, mobile.ErrorCodeInvalidArgument)
	_, err = client.NewChatClient(nil, nil, nil, nil)
	wantCode(t, "no credential", err, mobile.ErrorCodeInvalidArgument)
	_, token := newTokenOnly()
	cred, err := mobile.NewCredential(token)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.NewChatClient(cred, &mobile.ChatOptions{Position: "{"}, nil, nil)
	wantCode(t, "a position that is none", err, mobile.ErrorCodeInvalidArgument)
	_, err = client.NewCallAgent(cred, nil, nil)
	if code := mobile.ErrorCode(err); code != mobile.ErrorCodeTimeout && code != mobile.ErrorCodeNetwork {
		t.Errorf("no service: %v", err)
	}
	canceler := mobile.NewCanceler()
	canceler.Cancel()
	_, err = client.NewCallAgent(cred, &mobile.CallAgentOptions{Canceler: canceler}, nil)
	wantCode(t, "canceled", err, mobile.ErrorCodeCanceled)
	odd := make([]byte, 3)
	if client.Audio().ReadPCM(odd) != -mobile.ErrorCodeInvalidArgument || client.Audio().WritePCM(odd) != -mobile.ErrorCodeInvalidArgument {
		t.Error("half a sample is taken")
	}
	if client.Audio().ReadPCM(nil) != 0 || client.Audio().WritePCM(nil) != 0 {
		t.Error("nothing is something")
	}
}

// newTokenOnly returns a token of the right form that no service has issued.
func newTokenOnly() (id, token string) {
	return "8:acs:nobody", "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJl"
}
