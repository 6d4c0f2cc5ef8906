package push

import (
	"errors"
	"net/http"
	"testing"
)

// FuzzAnswers: whatever a platform answers, it is one of the outcomes, and what
// is told of it is short.
func FuzzAnswers(f *testing.F) {
	f.Add(410, `{"reason":"Unregistered","timestamp":1}`, "7")
	f.Add(404, `{"error":{"status":"NOT_FOUND","details":[{"errorCode":"UNREGISTERED"}]}}`, "")
	f.Add(503, `<html>`, "-1")
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		header := http.Header{"Retry-After": {after}}
		for _, err := range []error{
			apnsError(status, header, apnsReason([]byte(body))), fcmError(status, header, fcmCode([]byte(body))),
		} {
			var later *LaterError
			if errors.As(err, &later) && (later.After < 0 || later.After > messageLife) {
				t.Errorf("wait %v", later.After)
			}
			if (err == nil) != (status == http.StatusOK) && !errors.Is(err, ErrGone) {
				t.Errorf("%d: %v", status, err)
			}
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("%d bytes are told", len(err.Error()))
			}
		}
	})
}

// FuzzCut: a text is cut to whole characters that can be seen.
func FuzzCut(f *testing.F) {
	f.Add("soup\n\x01and ä salad", 7)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < 0 {
			return
		}
		const dots = 3
		got := cut(text, size)
		if len(got) > size+dots {
			t.Errorf("%d bytes of %d", len(got), size)
		}
		for _, r := range got {
			if r < ' ' || r == 0x7f || r == '\uFFFD' {
				t.Errorf("%q is in %q", r, got)
			}
		}
	})
}
