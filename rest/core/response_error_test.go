package core_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
)

func TestResponseError_Bodies(t *testing.T) {
	for _, tt := range []struct {
		name, header, body              string
		code, message, target, describe string
	}{
		{"default", "", `{"error":{"code":"ValidationError","message":"m","target":"ExpiresInMinutes"}}`, "ValidationError", "m", "ExpiresInMinutes", ""},
		{
			"details and inner", "", `{"error":{"code":"a","message":"b","details":[{"code":"c","message":"d","details":[{"code":"e"}]}],"innererror":{"code":"f","innererror":{"code":"g"}}}}`,
			"a", "b", "", "c d e|f g",
		},
		{"inner with a capital", "", `{"error":{"code":"a","message":"b","innerError":{"code":"f"}}}`, "a", "b", "", "|f "},
		{"chat", "Forbidden", `{"CommunicationError":{"Code":"Forbidden","Message":"no","Target":"t","Details":[{"Code":"x","Message":"y"}]}}`, "Forbidden", "no", "t", "x y "},
		{"chat without a header", "", `{"CommunicationError":{"Code":"NotFound","Message":"thread","Details":[]}}`, "NotFound", "thread", "", ""},
		{"the header wins", "Outer", `{"error":{"code":"Inner","message":"m"}}`, "Outer", "m", "", ""},
		{"only the header", "Only", ``, "Only", "", "", ""},
		{"bare", "", `{"code":"a","message":"b"}`, "a", "b", "", ""},
		{"problem", "", `{"type":"t","title":"One or more errors","status":400,"errors":{"x":["y"]},"traceId":"z"}`, "", "One or more errors", "", ""},
		{"problem with detail", "", `{"title":"T","detail":"D"}`, "", "T: D", "", ""},
		{"OAuth", "", `{"error":"invalid_grant","error_description":"d"}`, "invalid_grant", "", "", ""},
		{"byte order mark", "", "\xef\xbb\xbf{\"error\":{\"code\":\"a\",\"message\":\"b\"}}", "a", "b", "", ""},
		{"a member of a wrong type", "", `{"error":{"code":7,"message":"b","target":"t"}}`, "", "b", "t", ""},
		{"model state", "", `{"From":["Invalid From phone number format"]}`, "", "", "", ""},
		{"null", "", `{"error":null}`, "", "", "", ""},
		{"list", "", `[]`, "", "", "", ""},
		{"HTML", "", `<html>`, "", "", "", ""},
		{"empty", "", ``, "", "", "", ""},
		{"too deep", "", strings.Repeat(`{"error":`, 20000), "", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := answer(400, tt.body)
			if tt.header != "" {
				resp.Header.Set("x-ms-error-code", tt.header)
			}
			var e *core.ResponseError
			if !errors.As(core.NewResponseError(resp), &e) {
				t.Fatal("no *ResponseError")
			}
			if e.ErrorCode != tt.code || e.Message != tt.message || e.Target != tt.target || e.StatusCode != http.StatusBadRequest {
				t.Errorf("%+v", e)
			}
			if got := describe(e); got != tt.describe {
				t.Errorf("details %q, want %q", got, tt.describe)
			}
			if data, err := io.ReadAll(e.RawResponse.Body); err != nil || string(data) != tt.body {
				t.Errorf("the body cannot be read again: %q, %v", data, err)
			}
			if core.HasCode(e, "no such code") || (tt.code != "" && !core.HasCode(e, "x", tt.code)) {
				t.Error("HasCode is wrong")
			}
		})
	}
	if core.HasCode(io.EOF, "") {
		t.Error("another error has a code")
	}
}

func describe(e *core.ResponseError) string {
	var b strings.Builder
	for _, d := range e.Details {
		b.WriteString(d.Code + " " + d.Message + " ")
		for _, dd := range d.Details {
			b.WriteString(dd.Code)
		}
	}
	if e.InnerError != nil {
		b.WriteString("|" + e.InnerError.Code + " ")
		if e.InnerError.InnerError != nil {
			b.WriteString(e.InnerError.InnerError.Code)
		}
	}
	return b.String()
}

func TestResponseError_Text(t *testing.T) {
	resp := answer(401, `{"error":{"code":"Denied","message":"Denied by the resource provider.","target":"x"}}`)
	u, err := url.Parse("https://h/phoneNumbers/%2B14255550123?token=geheim")
	if err != nil {
		t.Fatal(err)
	}
	resp.Request = &http.Request{Method: http.MethodGet, URL: u}
	const want = `core: GET https://h/phoneNumbers/REDACTED: status 401, code Denied, target "x": "Denied by the resource provider."`
	if got := core.NewResponseError(resp).Error(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := (&core.ResponseError{StatusCode: 404}).Error(); got != "core: status 404" {
		t.Error(got)
	}
}

func FuzzResponseError(f *testing.F) {
	for _, s := range []string{
		`{"error":{"code":"a","message":"b","details":[{"code":"c"}],"innererror":{"code":"d"}}}`, `{"CommunicationError":{"Code":"a"}}`,
		`{"error":"x"}`, `{"code":"a"}`, `{"title":"t","detail":"d"}`, `{`, ``, `null`, `{"error":{"details":{}}}`,
	} {
		f.Add(s, "")
	}
	f.Add(``, "Code")
	f.Fuzz(func(t *testing.T, body, header string) {
		resp := answer(500, body)
		resp.Header["X-Ms-Error-Code"] = []string{header}
		var e *core.ResponseError
		if !errors.As(core.NewResponseError(resp), &e) || e.StatusCode != http.StatusInternalServerError || e.Error() == "" {
			t.Fatal("no error")
		}
		if header != "" && e.ErrorCode != header {
			t.Fatalf("code %q, header %q", e.ErrorCode, header)
		}
		if data, err := core.Payload(resp); err != nil || string(data) != body {
			t.Fatalf("body %q, %v", data, err)
		}
	})
}
