package core_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
)

// TestETag_Compare is the table of RFC 9110 8.8.3.2.
func TestETag_Compare(t *testing.T) {
	for _, tt := range []struct {
		a, b         core.ETag
		strong, weak bool
	}{
		{`W/"1"`, `W/"1"`, false, true},
		{`W/"1"`, `W/"2"`, false, false},
		{`W/"1"`, `"1"`, false, true},
		{`"1"`, `"1"`, true, true},
		{`"1"`, `"2"`, false, false},
		{`W/1`, `W/1`, true, true}, // not a weak tag, and not one at all
		{``, ``, true, true},
	} {
		if tt.a.Equals(tt.b) != tt.strong || tt.b.Equals(tt.a) != tt.strong || tt.a.WeakEquals(tt.b) != tt.weak || tt.b.WeakEquals(tt.a) != tt.weak {
			t.Errorf("%s, %s: %v, %v", tt.a, tt.b, tt.a.Equals(tt.b), tt.a.WeakEquals(tt.b))
		}
	}
	for tag, weak := range map[core.ETag]bool{`W/""`: true, `W/"`: false, `"W/"`: false, core.ETagAny: false} {
		if tag.IsWeak() != weak {
			t.Errorf("%s", tag)
		}
	}
}

func TestMatchConditions(t *testing.T) {
	for _, tt := range []struct {
		conditions         *core.MatchConditions
		match, noneMatch   []string
		answer             int
		wantCode, wantETag string
	}{
		{nil, nil, nil, 200, "", `"2"`},
		{&core.MatchConditions{}, nil, nil, 200, "", `"2"`},
		{&core.MatchConditions{IfMatch: new(core.ETag(`"1"`))}, []string{`"1"`}, nil, 412, "PreconditionFailed", ""},
		{&core.MatchConditions{IfNoneMatch: new(core.ETagAny)}, nil, []string{"*"}, 200, "", `"2"`},
		{&core.MatchConditions{IfMatch: new(core.ETagAny), IfNoneMatch: new(core.ETag(`"2"`))}, []string{"*"}, []string{`"2"`}, 304, "", ""},
	} {
		c := newClientWith(t, nil, transportFunc(func(req *http.Request) (*http.Response, error) {
			if got := req.Header.Values("If-Match"); len(got) != len(tt.match) || (len(got) == 1 && got[0] != tt.match[0]) {
				t.Errorf("If-Match %q, want %q", got, tt.match)
			}
			if got := req.Header.Values("If-None-Match"); len(got) != len(tt.noneMatch) || (len(got) == 1 && got[0] != tt.noneMatch[0]) {
				t.Errorf("If-None-Match %q, want %q", got, tt.noneMatch)
			}
			if tt.answer == 200 {
				return answer(200, "", "ETag", `"2"`), nil
			}
			return answer(tt.answer, "", "x-ms-error-code", tt.wantCode), nil
		}))
		resp, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/", Conditions: tt.conditions})
		var refused *core.ResponseError
		if errors.As(err, &refused) != (tt.answer != 200) || (refused != nil && (refused.StatusCode != tt.answer || refused.ErrorCode != tt.wantCode)) {
			t.Errorf("%d: %v", tt.answer, err)
		}
		if tag := core.ReadETag(resp); (tag == nil) != (tt.wantETag == "") || (tag != nil && string(*tag) != tt.wantETag) {
			t.Errorf("%d: %v", tt.answer, tag)
		}
	}
	if tag := core.ReadETag(answer(200, "")); tag != nil {
		t.Errorf("none: %v", *tag)
	}
}
