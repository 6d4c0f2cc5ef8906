package core_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
)

func TestContext_HeaderAndAnswer(t *testing.T) {
	status := 200
	c := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("X-Extra") != "mine" || req.Header.Get("Accept-Language") != "de" || req.Header.Get("X-Ms-Client-Request-Id") != "r-1" {
			t.Errorf("headers %v", req.Header)
		}
		if status == 0 {
			return nil, core.NonRetriable(io.ErrUnexpectedEOF)
		}
		return answer(status, `{"error":{"code":"C","message":"m"}}`, "X-Ms-Request-Id", "s-1"), nil
	}), core.ClientOptions{})
	header := http.Header{"x-extra": {"mine"}, "Accept-Language": {"de"}, "X-Ms-Client-Request-Id": {"r-1"}}
	ctx := core.WithHeader(t.Context(), header)
	header.Set("Accept-Language", "fr") // Too late.
	var resp *http.Response
	ctx = core.WithCaptureResponse(ctx, &resp)
	for _, status = range []int{200, 404, 0} {
		_, err := c.Call(ctx, core.Call{Method: "GET", Path: "/", Header: http.Header{"X-Extra": {"of the call"}}})
		var refused *core.ResponseError
		switch {
		case status == 0:
			if !errors.Is(err, io.ErrUnexpectedEOF) || resp != nil {
				t.Errorf("no answer: %v, %v", resp, err)
			}
		case resp == nil || resp.StatusCode != status || resp.Header.Get("X-Ms-Request-Id") != "s-1" || errors.As(err, &refused) != (status == 404):
			t.Errorf("%d: %v, %v", status, resp, err)
		default:
			if data, err := core.Payload(resp); err != nil || len(data) == 0 {
				t.Errorf("%q, %v", data, err)
			}
		}
	}
}

// challenges answers 401 with a challenge until a token with claims comes.
func challenges(t *testing.T, challenge string, issue core.TokenCredentialFunc) (sent []string, claims []string, status int) {
	t.Helper()
	c := newClientWith(t, core.NewBearerPolicy(core.TokenCredentialFunc(func(ctx context.Context, o core.TokenRequestOptions) (core.AccessToken, error) {
		claims = append(claims, o.Claims)
		return issue(ctx, o)
	}), []string{"scope"}, nil), transportFunc(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil || string(body) != `"body"` {
			t.Errorf("%q, %v", body, err)
		}
		sent = append(sent, req.Header.Get("Authorization"))
		if req.Header.Get("Authorization") == "Bearer good" {
			return answer(200, ""), nil
		}
		resp := answer(401, "")
		resp.Header["Www-Authenticate"] = []string{challenge}
		return resp, nil
	}))
	resp, err := c.Call(t.Context(), core.Call{Method: "POST", Path: "/", Body: "body"})
	var refused *core.ResponseError
	switch {
	case err == nil:
		return sent, claims, resp.StatusCode
	case errors.As(err, &refused):
		return sent, claims, refused.StatusCode
	default:
		return sent, claims, 0
	}
}

func TestBearer_ClaimsChallenge(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	const encoded = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ"
	good := func(_ context.Context, o core.TokenRequestOptions) (core.AccessToken, error) {
		if o.Claims == claims {
			return core.AccessToken{Token: "good"}, nil
		}
		return core.AccessToken{Token: "old"}, nil
	}
	for _, tt := range []struct {
		name, challenge string
		asks            bool
	}{
		{"alone", `Bearer error="insufficient_claims", claims="` + encoded + `"`, true},
		{"padded", `Bearer error="insufficient_claims", claims="` + encoded + `=="`, true},
		{"in another order", `Bearer claims="` + encoded + `",realm="",error="insufficient_claims"`, true},
		{"tokens", `bearer ERROR=insufficient_claims,Claims=` + encoded, true},
		{"behind another", `PoP nonce="a, b=\"c\"", Bearer authorization_uri="https://login.example/", error = "insufficient_claims" , claims = "` + encoded + `"`, true},
		{"before another", `Bearer error="insufficient_claims", claims="` + encoded + `", Basic realm="x"`, true},
		{"of another scheme", `PoP error="insufficient_claims", claims="` + encoded + `"`, false},
		{"another error", `Bearer error="invalid_token", claims="` + encoded + `"`, false},
		{"no claims", `Bearer error="insufficient_claims"`, false},
		{"not base64", `Bearer error="insufficient_claims", claims="{}"`, false},
		{"not an object", `Bearer error="insufficient_claims", claims="MQ=="`, false},
		{"no scheme", `error="insufficient_claims", claims="` + encoded + `"`, false},
		{"not closed", `Bearer error="insufficient_claims", claims="` + encoded, false},
		{"nothing", ``, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent, asked, status := challenges(t, tt.challenge, good)
			if tt.asks && (status != 200 || len(sent) != 2 || len(asked) != 2 || asked[0] != "" || asked[1] != claims) {
				t.Errorf("status %d, sent %q, asked for %q", status, sent, asked)
			}
			if !tt.asks && (status != 401 || len(sent) != 1 || len(asked) != 1) {
				t.Errorf("status %d, sent %q, asked for %q", status, sent, asked)
			}
		})
	}
	// One that is never content is asked once more only.
	sent, _, status := challenges(t, `Bearer error="insufficient_claims", claims="`+encoded+`"`, func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
		return core.AccessToken{Token: "bad"}, nil
	})
	if status != 401 || len(sent) != 2 {
		t.Errorf("status %d, sent %q", status, sent)
	}
}

// FuzzClaimsChallenge: no header makes the policy ask for claims that are not
// an object, or more often than once.
func FuzzClaimsChallenge(f *testing.F) {
	for _, s := range []string{
		`Bearer error="insufficient_claims", claims="e30"`, `Bearer`, `Bearer error="insufficient_claims", claims="\`, `a=b`, `,,Bearer , error`, ``,
		`Bearer realm="", error=insufficient_claims claims=e30`, `A B C=d`, `Bearer "x"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, challenge string) {
		sent, asked, status := challenges(t, challenge, func(_ context.Context, o core.TokenRequestOptions) (core.AccessToken, error) {
			if o.Claims != "" {
				if o.Claims[0] != '{' && o.Claims[0] != ' ' && o.Claims[0] != '\n' && o.Claims[0] != '\t' && o.Claims[0] != '\r' {
					t.Errorf("%q: claims %q", challenge, o.Claims)
				}
				return core.AccessToken{Token: "good"}, nil
			}
			return core.AccessToken{Token: "old"}, nil
		})
		if len(sent) != len(asked) || len(sent) > 2 || (status == 200) != (len(sent) == 2) {
			t.Errorf("%q: status %d, sent %q", challenge, status, sent)
		}
	})
}
