// Command go is what every language's program does, in Go: the pattern for the
// others, and a check of the harness without a border in between.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
)

// patience is for what does not come at all.
const patience = time.Minute

func main() {
	s := &scenario{}
	if err := s.run(); err != nil {
		fmt.Println("FAIL run:", err)
		s.failed = true
	}
	if s.failed {
		os.Exit(1)
	}
}

// scenario is one run.
type scenario struct {
	failed     bool
	alice, bob *user
}

// check prints the line of a check.
func (s *scenario) check(name string, err error) {
	if err != nil {
		s.failed = true
		fmt.Printf("FAIL %s: %v\n", name, err)
		return
	}
	fmt.Println("ok", name)
}

// user is one of the two.
type user struct {
	id         string
	credential *mobile.Credential
	client     *mobile.Client
	agent      *mobile.CallAgent
	chat       *mobile.ChatClient
	heard      *listener
}

// listener takes all events of a user.
type listener struct {
	incoming chan *mobile.IncomingCall
	states   chan int32
	data     chan []byte
	frames   chan *mobile.VideoFrame
	messages chan string
	typing   chan string
}

func newListener() *listener {
	return &listener{
		incoming: make(chan *mobile.IncomingCall, 4), states: make(chan int32, 16), data: make(chan []byte, 4),
		frames: make(chan *mobile.VideoFrame, 64), messages: make(chan string, 16), typing: make(chan string, 4),
	}
}

func (l *listener) OnIncomingCall(call *mobile.IncomingCall)                            { l.incoming <- call }
func (l *listener) OnIncomingCallEnded(*mobile.IncomingCall, *mobile.EndReason)         {}
func (l *listener) OnConnectionStateChanged(int32, *mobile.Failure)                     {}
func (l *listener) OnCallStateChanged(_ *mobile.Call, state int32)                      { l.states <- state }
func (l *listener) OnMutedChanged(*mobile.Call, bool, bool)                             {}
func (l *listener) OnDataReceived(_ *mobile.Call, m *mobile.DataMessage)                { l.data <- m.Data }
func (l *listener) OnToneReceived(*mobile.Call, *mobile.RemoteParticipant, string)      {}
func (l *listener) OnMessage(e *mobile.ChatMessageEvent, _ int32)                       { l.messages <- e.Message.Content }
func (l *listener) OnThread(*mobile.ChatThreadEvent, int32)                             {}
func (l *listener) OnParticipants(*mobile.ChatParticipantsEvent, bool)                  {}
func (l *listener) OnTyping(e *mobile.ChatTypingEvent)                                  { l.typing <- e.SenderDisplayName }
func (l *listener) OnReadReceipt(string, *mobile.ChatReadReceipt)                       {}
func (l *listener) OnParticipantChanged(*mobile.Call, *mobile.RemoteParticipant, int32) {}

// OnMediaStateChanged throws, which must harm nothing.
func (l *listener) OnMediaStateChanged(*mobile.Call, int32) {
	var nobody *user
	nobody.id = ""
}

func (l *listener) OnVideoFrame(_ *mobile.Call, frame *mobile.VideoFrame) {
	select {
	case l.frames <- frame:
	default:
	}
}

// take waits for the next of a kind of event.
func take[T any](events <-chan T, what string) (T, error) {
	select {
	case event := <-events:
		return event, nil
	case <-time.After(patience):
		var none T
		return none, fmt.Errorf("no %s", what)
	}
}

// reach waits for a state.
func (l *listener) reach(state int32) error {
	for {
		got, err := take(l.states, fmt.Sprintf("state %d", state))
		if err != nil || got == state {
			return err
		}
	}
}

// signIn makes one of the users.
func signIn(name string) (*user, error) {
	upper := strings.ToUpper(name)
	authority, err := os.ReadFile(os.Getenv("PARLEY_CA"))
	if err != nil {
		return nil, err
	}
	u := &user{id: os.Getenv("PARLEY_" + upper + "_ID"), heard: newListener()}
	if u.credential, err = mobile.NewCredential(os.Getenv("PARLEY_" + upper + "_TOKEN")); err != nil {
		return nil, err
	}
	u.client, err = mobile.NewClient(&mobile.ClientOptions{Endpoint: os.Getenv("PARLEY_ENDPOINT"), RootCertificates: string(authority)})
	if err != nil {
		return nil, err
	}
	u.agent, err = u.client.NewCallAgent(u.credential, &mobile.CallAgentOptions{DisplayName: name}, u.heard)
	if err != nil {
		return nil, err
	}
	u.chat, err = u.client.NewChatClient(u.credential, &mobile.ChatOptions{DisplayName: name}, u.heard, nil)
	if err != nil {
		return nil, err
	}
	return u, u.chat.Start()
}

func (s *scenario) run() (err error) {
	if s.alice, err = signIn("alice"); err != nil {
		return err
	}
	if s.bob, err = signIn("bob"); err != nil {
		return err
	}
	if err := s.talk(); err != nil {
		return err
	}
	s.check("chat", s.write())
	s.check("typing", s.typeText())
	s.check("errors", s.refused())
	if err := s.many(); err != nil {
		return err
	}
	s.check("close", s.end())
	return nil
}

// connect makes a call and returns alice's end of it.
func (s *scenario) connect(options *mobile.CallOptions) (call *mobile.Call, err error) {
	if call, err = s.alice.agent.StartCall(s.bob.id, options, s.alice.heard); err != nil {
		return nil, err
	}
	incoming, err := take(s.bob.heard.incoming, "ringing")
	if err != nil {
		return nil, err
	}
	if _, err = incoming.Accept(options, s.bob.heard); err != nil {
		return nil, err
	}
	return call, errors.Join(s.alice.heard.reach(mobile.CallStateConnected), s.bob.heard.reach(mobile.CallStateConnected))
}

// hangUp ends it.
func (s *scenario) hangUp(call *mobile.Call) error {
	return errors.Join(call.HangUp(), s.alice.heard.reach(mobile.CallStateDisconnected), s.bob.heard.reach(mobile.CallStateDisconnected))
}

// talk is a call with everything in it.
func (s *scenario) talk() error {
	camera, err := s.alice.client.NewVideoSource(mobile.VideoCodecVP8, nil)
	if err != nil {
		return err
	}
	defer camera.Close()
	call, err := s.connect(&mobile.CallOptions{Data: s.bob.heard, Video: s.bob.heard})
	if err != nil {
		return err
	}
	s.check("audio", s.speak())
	s.check("data", s.sendData(call))
	s.check("video", s.show(call, camera))
	s.check("call", s.hangUp(call))
	return nil
}

// speak plays both audio threads, by the clock.
func (s *scenario) speak() error {
	said, err := os.ReadFile(os.Getenv("PARLEY_SPEECH"))
	if err != nil {
		return err
	}
	var heard bytes.Buffer
	block := make([]byte, 10*mobile.AudioBytesPerMillisecond)
	silence := make([]byte, len(block))
	next := time.Now()
	for rest, after := said, 100; after > 0; {
		// By the clock, as an audio device: who comes late catches up.
		next = next.Add(10 * time.Millisecond)
		<-time.After(time.Until(next))
		now := silence
		if len(rest) >= len(block) {
			now, rest = rest[:len(block)], rest[len(block):]
		} else {
			after--
		}
		if n := s.alice.client.Audio().WritePCM(now); int(n) != len(now) {
			return fmt.Errorf("WritePCM gave %d", n)
		}
		if n := s.bob.client.Audio().ReadPCM(block); int(n) != len(block) {
			return fmt.Errorf("ReadPCM gave %d", n)
		}
		heard.Write(block)
	}
	return os.WriteFile(os.Getenv("PARLEY_HEARD"), heard.Bytes(), 0o600)
}

func (s *scenario) sendData(call *mobile.Call) error {
	message := bytes.Repeat([]byte{0, 1, 254, 255}, 4000)
	sender, err := call.NewDataSender(0, false, 0)
	if err != nil {
		return err
	}
	defer sender.Close()
	if err := sender.Send(message); err != nil {
		return err
	}
	got, err := take(s.bob.heard.data, "data")
	if err == nil && !bytes.Equal(got, message) {
		err = fmt.Errorf("%d other bytes", len(got))
	}
	return err
}

// show sends the frames until bob has seen ten.
func (s *scenario) show(call *mobile.Call, camera *mobile.VideoSource) error {
	files, err := filepath.Glob(filepath.Join(os.Getenv("PARLEY_VIDEO"), "*.vp8"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no frames: %w", err)
	}
	slices.Sort(files)
	var frames [][]byte
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		frames = append(frames, data)
	}
	if err := call.StartVideo(camera); err != nil {
		return err
	}
	ticker := time.NewTicker(time.Second / 30)
	defer ticker.Stop()
	end := time.Now().Add(patience)
	for n, seen := 0, 0; seen < 10; n++ {
		if time.Now().After(end) {
			return fmt.Errorf("%d frames", seen)
		}
		<-ticker.C
		camera.SendFrame(frames[n%len(frames)], int64(n)*33_333, n%len(frames) == 0)
		for len(s.bob.heard.frames) > 0 {
			f := <-s.bob.heard.frames
			if seen == 0 && !f.KeyFrame {
				return errors.New("no key frame first")
			}
			if !slices.ContainsFunc(frames, func(sent []byte) bool { return bytes.Equal(sent, f.Data) }) {
				return errors.New("another picture")
			}
			seen++
		}
	}
	return call.StopVideo(camera)
}

func (s *scenario) write() error {
	thread, err := s.alice.chat.Thread(os.Getenv("PARLEY_THREAD"))
	if err != nil {
		return err
	}
	const text = "soup? 🍲"
	if _, err := thread.SendMessage(text, nil); err != nil {
		return err
	}
	got, err := take(s.bob.heard.messages, "message")
	if err == nil && got != text {
		err = fmt.Errorf("another text: %q", got)
	}
	return err
}

func (s *scenario) typeText() error {
	thread, err := s.bob.chat.Thread(os.Getenv("PARLEY_THREAD"))
	if err != nil {
		return err
	}
	if err := thread.SendTyping(); err != nil {
		return err
	}
	got, err := take(s.alice.heard.typing, "typing")
	if err == nil && got != "bob" {
		err = fmt.Errorf("%q types", got)
	}
	return err
}

// throwing is a back end that is down.
type throwing struct{}

func (throwing) RefreshToken() (string, error) { return "", errors.New("no back end") }

func (s *scenario) refused() error {
	if _, err := s.alice.agent.StartCall("nonsense", nil, nil); mobile.ErrorCode(err) != mobile.ErrorCodeInvalidArgument {
		return fmt.Errorf("a target that is none: %w", err)
	}
	credential, err := mobile.NewRefreshingCredential("", throwing{})
	if err != nil {
		return err
	}
	if _, err := s.alice.client.NewCallAgent(credential, nil, nil); mobile.ErrorCode(err) != mobile.ErrorCodeUnauthorized {
		return fmt.Errorf("no token: %w", err)
	}
	credential.Close()
	return nil
}

// many makes calls in a row and prints what must not grow.
func (s *scenario) many() error {
	calls, err := strconv.Atoi(os.Getenv("PARLEY_CALLS"))
	if err != nil {
		return err
	}
	var first measure
	done := 0
	for n := range calls {
		call, err := s.connect(nil)
		if err != nil {
			return fmt.Errorf("call %d: %w", n, err)
		}
		if err := s.hangUp(call); err != nil {
			return fmt.Errorf("call %d: %w", n, err)
		}
		done++
		if n == calls/10 {
			if first, err = look(); err != nil {
				return err
			}
		}
	}
	last, err := look()
	if err != nil {
		return err
	}
	fmt.Printf("calls %d\nflat goroutines %d %d\nflat heap-KiB %d %d\nflat files %d %d\n", done,
		first.goroutines, last.goroutines, first.heap>>10, last.heap>>10, first.files, last.files)
	return nil
}

// measure is what must not grow.
type measure struct {
	goroutines, files int
	heap              uint64
}

// look measures when calls that have ended have let go of everything: it takes
// the least of some looks.
func look() (best measure, err error) {
	for n := range 40 {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return best, err
		}
		now := measure{goroutines: runtime.NumGoroutine(), files: len(files), heap: memory.HeapAlloc}
		if n == 0 {
			best = now
		}
		best.goroutines, best.files = min(best.goroutines, now.goroutines), min(best.files, now.files)
		best.heap = min(best.heap, now.heap)
		<-time.After(100 * time.Millisecond)
	}
	return best, nil
}

func (s *scenario) end() error {
	if err := s.alice.client.Shutdown(); err != nil {
		return err
	}
	s.bob.client.Close()
	s.bob.client.Close()
	if _, err := s.bob.agent.StartCall(s.alice.id, nil, nil); mobile.ErrorCode(err) != mobile.ErrorCodeClosed {
		return fmt.Errorf("a call after Close: %w", err)
	}
	if _, err := s.alice.chat.CreateThread("x", nil); mobile.ErrorCode(err) != mobile.ErrorCodeClosed {
		return fmt.Errorf("a thread after Shutdown: %w", err)
	}
	return nil
}
