package callfsm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/callfsm"
)

func TestCallID(t *testing.T) {
	a, b := callfsm.NewCallID(), callfsm.NewCallID()
	if a == b || a.IsZero() || !(callfsm.CallID{}).IsZero() {
		t.Errorf("%v and %v", a, b)
	}
	text := a.String()
	if len(text) != 36 || text[14] != '4' || !strings.ContainsRune("89ab", rune(text[19])) {
		t.Errorf("%q is not a version 4 UUID", text)
	}
	for _, s := range []string{text, strings.ToUpper(text)} {
		if got, err := callfsm.ParseCallID(s); err != nil || got != a {
			t.Errorf("ParseCallID(%q) = %v, %v", s, got, err)
		}
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.Replace(text, "-", "0", 1), "g" + text[1:], text[:35] + "é"} {
		if got, err := callfsm.ParseCallID(bad); !errors.Is(err, callfsm.ErrCallID) || !got.IsZero() {
			t.Errorf("ParseCallID(%q) = %v, %v", bad, got, err)
		}
	}
}

func FuzzParseCallID(f *testing.F) {
	f.Add("6f9619ff-8b86-4d11-b42d-00c04fc964ff")
	f.Add("6F9619FF-8B86-4D11-B42D-00C04FC964FF")
	f.Add("6f9619ff8b864d11b42d00c04fc964ff")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := callfsm.ParseCallID(s)
		if err == nil && id.String() != strings.ToLower(s) {
			t.Fatalf("ParseCallID(%q).String() = %q", s, id)
		}
		if err != nil && !id.IsZero() {
			t.Fatalf("ParseCallID(%q) = %v with an error", s, id)
		}
	})
}

func TestMedia(t *testing.T) {
	m := callfsm.MediaAudio.With(callfsm.MediaVideo, true)
	if !m.Has(callfsm.MediaAudio|callfsm.MediaVideo) || m.Has(callfsm.MediaShare) || m.With(callfsm.MediaAudio, false) != callfsm.MediaVideo {
		t.Errorf("media %b", m)
	}
}

// TestNames: every value has a name of its own, and unknown values have one too.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	name := func(s string) {
		if s == "" || seen[s] {
			t.Errorf("%q is empty or used twice", s)
		}
		seen[s] = true
	}
	for k := callfsm.KindNone; k <= callfsm.MaxMessageKind+1; k++ {
		name(k.String())
	}
	clear(seen)
	for k := callfsm.InputNone; k <= callfsm.MaxInputKind+1; k++ {
		name(k.String())
	}
	clear(seen)
	for s := callfsm.StateNone; s <= callfsm.StateDisconnected+1; s++ {
		name(s.String())
	}
	clear(seen)
	for s := callfsm.CoordinatorNew; s <= callfsm.CoordinatorEnded+1; s++ {
		name(s.String())
	}
	for k := callfsm.CoordinatorInputNone; k <= callfsm.MaxCoordinatorInputKind+1; k++ {
		name(k.String())
	}
	clear(seen)
	for k := callfsm.EffectNone; k <= callfsm.EffectEnded+1; k++ {
		name(k.String())
	}
}

func TestReasons(t *testing.T) {
	for name, want := range map[callfsm.ReasonName]string{
		callfsm.ReasonNone: "0/0", callfsm.ReasonCancelled: "487/0", callfsm.ReasonDeclined: "603/0",
		callfsm.ReasonBusy: "486/560486", callfsm.ReasonNoAnswer: "487/10004", callfsm.ReasonAnsweredElsewhere: "487/10003",
		callfsm.ReasonNotEstablished: "408/10057", callfsm.ReasonUnreachable: "480/10037", callfsm.ReasonNetworkLost: "496/7",
		callfsm.ReasonEndedForAll: "0/4097", callfsm.ReasonAbruptExit: "0/4521", callfsm.ReasonRemoved: "0/5300",
		callfsm.ReasonAllDeclined: "0/5003", callfsm.ReasonNoMediaPath: "410/301004", callfsm.ReasonTokenExpired: "495/4507",
		callfsm.ReasonNotInvited: "403/5828", callfsm.ReasonPSTNEnded: "0/560000",
	} {
		got := name.Reason().String()
		if pair, text, ok := strings.Cut(got, " "); pair != want || !ok || text == "" {
			t.Errorf("reason %d is %q, want %s and a text", name, got, want)
		}
	}
	if r := callfsm.ReasonName(200).Reason(); r != (callfsm.EndReason{}) {
		t.Errorf("an unknown name gives %v", r)
	}
	if got := callfsm.PSTNReason(486, false); got.Code != 486 || got.Subcode != 560486 {
		t.Errorf("to the telephone network: %v", got)
	}
	if got := callfsm.PSTNReason(404, true); got.Subcode != 540404 || (callfsm.EndReason{Code: 1, Subcode: 2}).String() != "1/2" {
		t.Errorf("from the telephone network: %v", got)
	}
}
