package front_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

func TestFront_ContentTypes(t *testing.T) {
	handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
		var v any
		return &front.Response{Status: 200}, r.Decode(&v)
	}
	json := acswire.Operation{Area: acswire.AreaIdentity, ID: "JSON", Method: "POST", Route: "/json", Auth: acswire.AuthService, Request: struct{}{}}
	image := acswire.Operation{Area: acswire.AreaIdentity, ID: "Image", Method: "POST", Route: "/image", Auth: acswire.AuthService, Request: struct{}{}, RequestTypes: []string{"image/png"}}
	none := acswire.Operation{Area: acswire.AreaIdentity, ID: "None", Method: "POST", Route: "/none", Auth: acswire.AuthService}
	f := mustArea(t, front.Options{}, handle, json, image, none)
	for _, test := range []struct {
		path, body, contentType, encoding string
		status                            int
	}{
		{"/json", "{}", "application/json", "", 200},
		{"/json", "{}", "application/json; charset=utf-8", "", 200},
		{"/json", "{}", `Application/JSON;charset="UTF-8"`, "", 200},
		{"/json", "{}", "application/merge-patch+json", "", 200},
		{"/json", "{}", "text/json", "", 200},
		{"/json", "{}", "", "", 200},
		{"/json", "", "application/x-www-form-urlencoded", "", 200},
		{"/json", "{}", "application/json", "identity", 200},
		{"/json", "{}", "application/json", "gzip", 415},
		{"/json", "{}", "application/json; charset=utf-16", "", 415},
		{"/json", "{}", "text/plain", "", 415},
		{"/json", "{}", "application/x-www-form-urlencoded", "", 415},
		{"/json", "{}", "multipart/form-data; boundary=x", "", 415},
		{"/json", "{}", "application/xml", "", 415},
		{"/json", "{}", "application/json; =", "", 415},
		{"/json", "{}", "///", "", 415},
		{"/image", "{}", "image/png", "", 200},
		{"/image", "{}", "application/json", "", 415},
		{"/none", "{}", "image/png", "", 200},
	} {
		req := request("POST", test.path+version, test.body)
		if test.contentType != "" {
			req.Header.Set("Content-Type", test.contentType)
		}
		if test.encoding != "" {
			req.Header.Set("Content-Encoding", test.encoding)
		}
		w := call(t, f, req, "one", test.body)
		if w.Code != test.status || test.status == 415 && w.Header().Get("x-ms-error-code") != "UnsupportedMediaType" {
			t.Errorf("%s %q %q: %d %s, want %d", test.path, test.contentType, test.encoding, w.Code, w.Body, test.status)
		}
	}
}

// zeros is a long body that takes no memory.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func TestFront_LargeBodies(t *testing.T) {
	dir := t.TempDir()
	const limit = 5 << 20
	ran := false
	handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
		ran = true
		if r.Body != nil && r.BodyFile != nil {
			t.Error("the body is in two places")
		}
		if r.BodyFile == nil {
			return &front.Response{Status: 200, Body: len(r.Body)}, nil
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("files %v, %v", entries, err)
		}
		n, err := io.Copy(io.Discard, r.BodyFile)
		if err != nil || n != r.BodyFile.Size {
			t.Errorf("read %d of %d, %v", n, r.BodyFile.Size, err)
		}
		return &front.Response{Status: 200, Body: n}, nil
	}
	f := mustArea(t, front.Options{TempDir: dir}, handle,
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Large", Method: "POST", Route: "/large", Auth: acswire.AuthService, MaxRequest: limit},
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Small", Method: "POST", Route: "/small", Auth: acswire.AuthService})
	for _, test := range []struct {
		path     string
		size     int64
		announce bool
		altered  bool
		status   int
	}{
		{"/large", 0, true, false, 200},
		{"/large", 10, false, false, 200},
		{"/large", 1 << 20, true, false, 200},
		{"/large", 1<<20 + 1, true, false, 200},
		{"/large", 1<<20 + 1, false, false, 200},
		{"/large", limit, true, false, 200},
		{"/large", limit, false, false, 200},
		{"/large", limit + 1, true, false, 413},
		{"/large", limit + 1, false, false, 413},
		{"/large", 100 << 20, false, false, 413},
		{"/large", 100 << 20, true, false, 413},
		{"/large", 2 << 20, true, true, 401},
		{"/large", 100, true, true, 401},
		{"/small", 1 << 20, true, false, 200},
		{"/small", 1<<20 + 1, true, false, 413},
		{"/small", 1<<20 + 1, false, false, 413},
		{"/small", 100 << 20, false, false, 413},
	} {
		hash := sha256.New()
		if _, err := io.Copy(hash, &zeros{left: test.size}); err != nil {
			t.Fatal(err)
		}
		sum := hash.Sum(nil)
		if test.altered {
			sum[0] ^= 1
		}
		req := httptest.NewRequest(http.MethodPost, "http://res.example"+test.path+version, &zeros{left: test.size})
		req.ContentLength = -1
		if test.announce {
			req.ContentLength = test.size
		}
		sign(t, req, []byte("one"), sum)
		ran = false
		w := httptest.NewRecorder()
		f.ServeHTTP(w, req)
		if w.Code != test.status || ran != (test.status == 200) || test.status == 200 && w.Body.String() != fmt.Sprint(test.size) {
			t.Errorf("%s %d: %d %s, want %d; the handler ran: %v", test.path, test.size, w.Code, w.Body, test.status, ran)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s %d: files are left: %v, %v", test.path, test.size, entries, err)
		}
	}
	// A disk that takes no more is the service's fault.
	var log bytes.Buffer
	f = mustArea(t, front.Options{TempDir: dir + "/missing", Logger: slog.New(slog.NewTextHandler(&log, nil))}, handle,
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Large", Method: "POST", Route: "/large", Auth: acswire.AuthNone, MaxRequest: limit})
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://res.example/large"+version, &zeros{left: 2 << 20}))
	if w.Code != 500 || log.Len() == 0 {
		t.Errorf("%d %s, log %s", w.Code, w.Body, log.String())
	}
}
