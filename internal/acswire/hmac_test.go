package acswire_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// The expected signatures were computed by another program (Python's hmac)
// from the rules of azure-sdks 2.2.
const vectorKey = "cGFybGV5IHRlc3Qga2V5IDAxMjM0NTY3ODk="

func TestSignature_Vectors(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString(vectorKey)
	if err != nil {
		t.Fatal(err)
	}
	const date = "Sat, 21 Nov 2026 00:03:30 GMT"
	for _, v := range []struct {
		name, method, target, host, body, hash, signature string
	}{
		{
			"empty body", "POST", "/identities?api-version=2023-10-01", "localhost:8443", "",
			"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "FKD017HBVVHpMlhyW1oDKlEzTDuSnLJ4mLj8Z9U4I9Q=",
		},
		{
			"escaped path", "post", "/identities/8%3Aacs%3Aa_b/:issueAccessToken?api-version=2023-10-01", "localhost:8443", `{"scopes":["chat"]}`,
			"J+doRQjtFVYLx3qOvzptwBLjQWqy6OEWEEk1TY1+rT4=", "kjU2O/ypxFtM9KBt844TsS0WE7v5hl/UpRVmgD0gEWI=",
		},
		{
			"form-encoded query", "GET",
			"/availablePhoneNumbers/countries/US/areaCodes?locality=Seattle+%C3%9C+x&startTime=2020-10-30T10%3A50%3A50Z",
			"res.communication.azure.com", "",
			"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "2HgdtiDtMw90V+CC+e/lY/hf7s6jeCQbtehEIDDJqj0=",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			hash := acswire.ContentHash([]byte(v.body))
			if hash != v.hash {
				t.Errorf("hash %s, want %s", hash, v.hash)
			}
			text := acswire.StringToSign(v.method, v.target, []string{date, v.host, hash})
			if got := base64.StdEncoding.EncodeToString(acswire.Signature(key, text)); got != v.signature {
				t.Errorf("signature %s, want %s", got, v.signature)
			}
		})
	}
}

func TestSign(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString(vectorKey)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 1, 3, 30, 0, time.FixedZone("", 3600))
	for _, v := range []struct{ url, host, signature string }{
		{"https://localhost:8443/identities?api-version=2023-10-01", "localhost:8443", "FKD017HBVVHpMlhyW1oDKlEzTDuSnLJ4mLj8Z9U4I9Q="},
		{"https://localhost:443/identities", "localhost", ""},
		{"http://localhost:80/identities", "localhost", ""},
		{"https://[::1]:443/identities", "[::1]", ""},
		{"https://localhost:80/identities", "localhost:80", ""},
	} {
		req, err := http.NewRequest(http.MethodPost, v.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := acswire.Sign(req, key, nil, now); err != nil {
			t.Fatal(err)
		}
		if req.Host != v.host {
			t.Errorf("%s: host %s, want %s", v.url, req.Host, v.host)
		}
		if got := req.Header.Get("x-ms-date"); got != "Sat, 21 Nov 2026 00:03:30 GMT" {
			t.Errorf("date %s", got)
		}
		if want := "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=" + v.signature; !strings.HasPrefix(req.Header.Get("Authorization"), want) {
			t.Errorf("%s: authorization %s", v.url, req.Header.Get("Authorization"))
		}
	}
	req := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/x"}, Header: http.Header{}}
	if err := acswire.Sign(req, key, nil, now); err == nil {
		t.Error("signed a request without a host")
	}
	req.Host = "h"
	if err := acswire.Sign(req, nil, nil, now); !errors.Is(err, acswire.ErrNoKey) {
		t.Errorf("empty key: %v", err)
	}
}

func TestParseAuthorization(t *testing.T) {
	sig := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for header, want := range map[string]string{
		"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=" + sig:    "x-ms-date;host;x-ms-content-sha256",
		"hmac-sha256 SignedHeaders=date;host;x-ms-content-sha256&Signature=" + sig:         "date;host;x-ms-content-sha256",
		"HMAC-SHA256 Signature=" + sig + "&SignedHeaders=Date;Host;X-MS-Content-SHA256":    "date;host;x-ms-content-sha256",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256;accept&Signature=" + sig:  "date;host;x-ms-content-sha256;accept",
		"HMAC-SHA256  SignedHeaders=date;host;x-ms-content-sha256& Signature=" + sig + " ": "date;host;x-ms-content-sha256",
		"": "", "Bearer x": "", "HMAC-SHA256": "", "HMAC-SHA256 ": "",
		"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256":                                                         "",
		"HMAC-SHA256 Signature=" + sig:                                                                                         "",
		"HMAC-SHA256 SignedHeaders=&Signature=" + sig:                                                                          "",
		"HMAC-SHA256 SignedHeaders=x-ms-date;host&Signature=" + sig:                                                            "",
		"HMAC-SHA256 SignedHeaders=host;x-ms-content-sha256&Signature=" + sig:                                                  "",
		"HMAC-SHA256 SignedHeaders=x-ms-date;x-ms-content-sha256&Signature=" + sig:                                             "",
		"HMAC-SHA256 SignedHeaders=date;date;host;x-ms-content-sha256&Signature=" + sig:                                        "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256;a;b;c;d;e;f&Signature=" + sig:                                 "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256&Signature=AAAA":                                               "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256&Signature=" + sig + "&Signature=" + sig:                       "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256&SignedHeaders=date;host;x-ms-content-sha256&Signature=" + sig: "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256&Signature=" + sig + "&Other=1":                                "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256&Signature=!":                                                  "",
		"HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256&Signature=" + sig + strings.Repeat(" ", 2000):                 "",
	} {
		auth, err := acswire.ParseAuthorization(header)
		if want == "" {
			if !errors.Is(err, acswire.ErrMalformedAuthorization) {
				t.Errorf("%q: %v, %v", header, auth, err)
			}
			continue
		}
		if err != nil || strings.Join(auth.SignedHeaders, ";") != want || len(auth.Signature) != 32 {
			t.Errorf("%q: %v, %v", header, auth, err)
		}
	}
}

func TestFormEncodeQuery(t *testing.T) {
	for target, want := range map[string]string{
		"/a":                                     "/a",
		"/a?":                                    "/a?",
		"/a?x=1&locality=Seattle%20%C3%9C%20x&y": "/a?x=1&locality=Seattle+%C3%9C+x&y=",
		"/a%3Ab?t=10:50:50":                      "/a%3Ab?t=10%3A50%3A50",
		"/a?z=1&a=2&&b=*-._~":                    "/a?z=1&a=2&b=*-._%7E",
		"/a?x=a+b":                               "/a?x=a+b",
	} {
		if got, ok := acswire.FormEncodeQuery(target); !ok || got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	for _, broken := range []string{"/a?x=%", "/a?%zz=1"} {
		if got, ok := acswire.FormEncodeQuery(broken); ok {
			t.Errorf("%s: %s", broken, got)
		}
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Fuzz(func(t *testing.T, header string) {
		auth, err := acswire.ParseAuthorization(header)
		if err != nil {
			if !errors.Is(err, acswire.ErrMalformedAuthorization) || len(auth.Signature) != 0 {
				t.Errorf("%q: %v", header, err)
			}
			return
		}
		if len(auth.Signature) != 32 || len(auth.SignedHeaders) < 3 {
			t.Errorf("%q: %v", header, auth)
		}
		again := "HMAC-SHA256 SignedHeaders=" + strings.Join(auth.SignedHeaders, ";") + "&Signature=" + base64.StdEncoding.EncodeToString(auth.Signature)
		if _, err := acswire.ParseAuthorization(again); err != nil {
			t.Errorf("%q: written again as %q: %v", header, again, err)
		}
	})
}

func FuzzFormEncodeQuery(f *testing.F) {
	f.Fuzz(func(t *testing.T, target string) {
		once, ok := acswire.FormEncodeQuery(target)
		if !ok {
			return
		}
		twice, ok := acswire.FormEncodeQuery(once)
		if !ok || twice != once {
			t.Errorf("%q became %q, then %q", target, once, twice)
		}
	})
}
