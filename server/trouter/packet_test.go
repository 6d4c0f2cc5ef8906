package trouter

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/chat"
)

func TestParsePacket(t *testing.T) {
	for _, c := range []struct {
		text string
		want packet
		bad  bool
	}{
		{text: `5:1+::{"name":"ping"}`, want: packet{kind: packetEvent, id: "1", withData: true, data: `{"name":"ping"}`}},
		{text: `3:::{"id":7}`, want: packet{kind: packetMessage, data: `{"id":7}`}},
		{text: "3:12:/chat:a:b", want: packet{kind: packetMessage, id: "12", endpoint: "/chat", data: "a:b"}},
		{text: "0::", want: packet{kind: packetDisconnect}},
		{text: "2:", want: packet{kind: packetHeartbeat}},
		{text: "", bad: true},
		{text: "5", bad: true},
		{text: "9::", bad: true},
		{text: "55::", bad: true},
		{text: "5:+::", bad: true},
		{text: "5:x::", bad: true},
		{text: "5:123456789012345678901::", bad: true},
		{text: "3:::\xff", bad: true},
	} {
		got, err := parsePacket(c.text)
		if (err != nil) != c.bad || (!c.bad && got != c.want) {
			t.Errorf("%q: %+v, %v", c.text, got, err)
		}
	}
}

func TestPayload_CountsAsJavaScriptDoes(t *testing.T) {
	packets := []string{"3:::ä€", "3:::😀!", "8::"}
	body := string(payloadOf(packets))
	if want := "\ufffd6\ufffd3:::ä€\ufffd7\ufffd3:::😀!\ufffd3\ufffd8::"; body != want {
		t.Errorf("%q, want %q", body, want)
	}
	got, err := parsePayload(body)
	if err != nil || len(got) != 3 || got[1].data != "😀!" || got[2].kind != packetNoop {
		t.Errorf("%+v, %v", got, err)
	}
	if one := string(payloadOf(packets[:1])); one != packets[0] {
		t.Errorf("one packet: %q", one)
	}
	for _, bad := range []string{"\ufffd", "\ufffd3\ufffd8:", "\ufffdx\ufffd8::", "\ufffd-3\ufffd8::", "\ufffd5\ufffd3:::😀", "\ufffd3\ufffd8::8::", "\ufffd99999999999\ufffd8::"} {
		if list, err := parsePayload(bad); err == nil {
			t.Errorf("%q: %+v", bad, list)
		}
	}
}

func FuzzParsePayload(f *testing.F) {
	for _, seed := range []string{"5:1+::{}", "\ufffd6\ufffd3:::ä€\ufffd3\ufffd8::", "\ufffd5\ufffd3:::😀", "0::", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		packets, err := parsePayload(s)
		if err != nil {
			return
		}
		var texts []string
		for _, p := range packets {
			id := p.id
			if p.withData {
				id += "+"
			}
			texts = append(texts, string(rune('0'+p.kind))+":"+id+":"+p.endpoint+":"+p.data)
		}
		if len(texts) == 0 {
			return
		}
		again, err := parsePayload(string(payloadOf(texts)))
		if err != nil || len(again) != len(packets) {
			t.Fatalf("%q: %d packets, again %d: %v", s, len(packets), len(again), err)
		}
		for i := range again {
			if again[i] != packets[i] {
				t.Fatalf("%+v became %+v", packets[i], again[i])
			}
		}
	})
}

func FuzzTicket(f *testing.F) {
	s := &Service{options: Options{Secret: []byte("secret")}}
	good, err := s.seal(&ticket{User: "8:acs:a_b", Endpoint: "e", Expires: time.Unix(1, 0)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("a.b")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Fuzz(func(t *testing.T, text string) {
		// Base64 leaves bits of the last character open: the body counts.
		if _, err := s.unseal(text); err == nil && strings.SplitN(text, ".", 2)[0] != strings.SplitN(good, ".", 2)[0] {
			t.Fatalf("%q was taken", text)
		}
	})
}

// TestPush_EncodedOnce: all receivers of an event share its encoding, and each
// has its own address in it.
func TestPush_EncodedOnce(t *testing.T) {
	var p pushes
	e := &chat.Event{Kind: chat.EventTyping, Thread: "19:x@thread.v2", Actor: "8:acs:r_a", ActorName: `"A" 😀`, At: time.UnixMilli(1_800_000_000_000)}
	one, err := p.of(e)
	two, _ := p.of(e)
	if err != nil || one == nil || one != two {
		t.Fatalf("%p %p %v", one, two, err)
	}
	want := `3:::{"id":3,"method":"POST","url":"/v4/f/here/","headers":{"MS-CV":"parley.0"},"body":"{\"recipientMri\":\"8:acs:r_b\",` +
		`\"eventId\":245,\"version\":\"1800000000000\",\"senderId\":\"8:acs:r_a\",\"groupId\":\"19:x@thread.v2\",` +
		`\"senderDisplayName\":\"\\\"A\\\" 😀\",\"originalArrivalTime\":\"2027-01-15T08:00:00.000Z\"}"}`
	if got := one.packet(3, "here", "8:acs:r_b"); got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	if later, err := p.of(&chat.Event{Kind: 200, Thread: "19:x@thread.v2"}); later != nil || err != nil {
		t.Errorf("an event of a later version: %+v, %v", later, err)
	}
}

// TestPush_ArrivalAsOverREST: a client that puts messages of the connection and
// of REST in order by their time, and by their ids where it is the same, must
// find the same time in both.
func TestPush_ArrivalAsOverREST(t *testing.T) {
	for _, kind := range []chat.EventKind{chat.EventMessageReceived, chat.EventMessageEdited, chat.EventMessageDeleted} {
		var p pushes
		one, err := p.of(&chat.Event{
			Kind: kind, Thread: "19:x@thread.v2", Actor: "8:acs:r_a", At: time.UnixMilli(1_800_000_009_120),
			Message: &chat.Message{ID: 1_800_000_000_847, Version: 1_800_000_000_847, Kind: chat.MessageText, Sender: "8:acs:r_a", Content: "x"},
		})
		if err != nil || one == nil {
			t.Fatalf("kind %v: %v, %v", kind, one, err)
		}
		if got := one.packet(1, "here", "8:acs:r_b"); !strings.Contains(got, `\"originalArrivalTime\":\"2027-01-15T08:00:00.000Z\"`) {
			t.Errorf("kind %v: %s", kind, got)
		}
	}
}
