package chat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/server/chat"
)

// TestStandingsOf: for many users at once it is what each would be told.
func TestStandingsOf(t *testing.T) {
	w := newWorld(t, everybody{})
	const count = 450 // more than are asked for at a time, twice
	callers, users := make([]*chat.Caller, count), make([]string, count)
	for i := range callers {
		callers[i] = user()
		users[i] = callers[i].User
	}
	for i := 0; i < count; i += 50 {
		w.thread(callers[i], callers[(i+1)%count], callers[(i+225)%count])
	}
	left, gone := w.thread(callers[0], callers[7]), w.thread(callers[0], callers[8])
	if err := w.chat.RemoveParticipant(w.ctx, callers[0], left.ID, callers[7].User); err != nil {
		t.Fatal(err)
	}
	if err := w.chat.DeleteThread(w.ctx, callers[0], gone.ID); err != nil {
		t.Fatal(err)
	}
	all, err := w.chat.StandingsOf(w.ctx, users)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, c := range callers {
		want, err := w.chat.Standings(w.ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		got := all[c.User]
		for _, list := range [][]chat.Standing{want, got} {
			slices.SortFunc(list, func(a, b chat.Standing) int { return strings.Compare(a.Thread, b.Thread) })
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		found += len(got)
	}
	if found != 9*3+1 {
		t.Errorf("%d places", found)
	}
	if none, err := w.chat.StandingsOf(w.ctx, nil); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
