package trouter_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/trouter"
)

// crowd is an event about as many members as there can be, with as much said of
// each as may be said, all of it of one character.
func crowd(kind chat.EventKind, c string) *chat.Event {
	full := func(n int) string { return strings.Repeat(c, n/len(c)) }
	e := &chat.Event{
		Kind: kind, Thread: "19:x@thread.v2", Change: 1, Members: 1, At: time.Now(), Actor: user, ActorName: full(chat.MaxName),
		Topic: full(chat.MaxTopic), Metadata: map[string]string{"k": full(chat.MaxMetadata - 1)},
	}
	for range chat.MaxParticipants {
		e.Participants = append(e.Participants, chat.Participant{
			User: "8:acs:" + guid.New().String() + "_" + guid.New().String(), DisplayName: full(chat.MaxName), HistoryFrom: time.Now(),
			Metadata: map[string]string{"k": full(chat.MaxMetadata - 1)},
		})
	}
	return e
}

// TestCrowd_ComesWhole: a thread of which much is said, in characters that are
// long when they are quoted time and again, ends nobody's connection.
func TestCrowd_ComesWhole(t *testing.T) {
	w := newWorld(t, trouter.Options{})
	polls := w.begin("xhr-polling", "p")
	w.get(polls) // what is said first
	w.count(1)
	for _, kind := range []chat.EventKind{chat.EventThreadCreated, chat.EventParticipantsAdded, chat.EventParticipantsRemoved} {
		for _, c := range []string{`"`, `\`, "\x01", "%", "\u2028", "\xff", "x"} {
			e := crowd(kind, c)
			w.hub.tell(e)
			_, packet, _ := strings.Cut(w.get(polls), "{")
			var push struct{ Body string }
			if err := json.Unmarshal([]byte("{"+packet), &push); err != nil {
				t.Fatalf("%d, %q: %v: %.100s", kind, c, err, packet)
			}
			var body struct{ Members, ParticipantsAdded, ParticipantsRemoved string }
			if err := json.Unmarshal([]byte(push.Body), &body); err != nil {
				t.Fatalf("%d, %q: %v", kind, c, err)
			}
			var people []struct{ ParticipantID, DisplayName, MemberMetaData string }
			text := strings.ReplaceAll(body.Members+body.ParticipantsAdded+body.ParticipantsRemoved, "%25", "%")
			if err := json.Unmarshal([]byte(text), &people); err != nil {
				t.Fatalf("%d, %q: %v", kind, c, err)
			}
			if len(people) != len(e.Participants) {
				t.Fatalf("%d, %q: %d members", kind, c, len(people))
			}
			for i, p := range people {
				// All are told alike: with what was noted of them, or without.
				if p.ParticipantID != e.Participants[i].User || p.DisplayName == "" || (p.MemberMetaData == "") != (people[0].MemberMetaData == "") {
					t.Fatalf("%d, %q: member %d is %+v", kind, c, i, p)
				}
			}
		}
	}
	few := crowd(chat.EventThreadCreated, `"`)
	few.Participants = few.Participants[:2]
	w.hub.tell(few)
	if got := w.get(polls); !strings.Contains(got, "memberMetaData") {
		t.Errorf("what was noted of two members is left out: %.200s", got)
	}
}
