package push

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	fcmURL       = "https://fcm.googleapis.com"
	fcmScope     = "https://www.googleapis.com/auth/firebase.messaging"
	fcmGrant     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	fcmAssertion = time.Hour
	// fcmEarly is how long before its end a token is not used any more.
	fcmEarly = 5 * time.Minute
	// fcmLongest is how long a token is used at most, in seconds, whatever is answered.
	fcmLongest = 24 * 60 * 60
)

// FCMOptions configure the sender for Google's devices. Account is required.
type FCMOptions struct {
	// Account is the JSON of a service account with the right to send.
	Account []byte
	// URL is that of the service; empty: Google's.
	URL string
	// RootCAs verify the service; nil is the system's authorities.
	RootCAs *x509.CertPool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// FCM is the sender for Google's devices: version 1 of the API of Firebase Cloud
// Messaging, with tokens of OAuth 2.0 (RFC 7523).
type FCM struct {
	options FCMOptions
	account fcmAccount
	key     *rsa.PrivateKey
	client  *http.Client

	mu      sync.Mutex
	token   string
	expires time.Time
}

type fcmAccount struct {
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	TokenURI     string `json:"token_uri"`
}

// NewFCM reads the account. Close the sender when done. The error wraps
// ErrConfig.
func NewFCM(options FCMOptions) (*FCM, error) {
	f := &FCM{options: options, client: newClient(options.RootCAs)}
	if err := json.Unmarshal(options.Account, &f.account); err != nil {
		return nil, fmt.Errorf("%w: the account of FCM is no JSON", ErrConfig)
	}
	if f.account.ProjectID == "" || f.account.ClientEmail == "" || !strings.HasPrefix(f.account.TokenURI, "https://") {
		return nil, fmt.Errorf("%w: the account of FCM has no project_id, client_email or token_uri over https", ErrConfig)
	}
	var err error
	if f.key, err = jwt.ParseRSAPrivateKeyFromPEM([]byte(f.account.PrivateKey)); err != nil {
		return nil, fmt.Errorf("%w: the private_key of FCM's account is no RSA key in PEM", ErrConfig)
	}
	if f.options.URL == "" {
		f.options.URL = fcmURL
	}
	if f.options.Now == nil {
		f.options.Now = time.Now
	}
	return f, nil
}

// Close lets go of the connections.
func (f *FCM) Close() { f.client.CloseIdleConnections() }

// bearer returns an access token. stale is one that was refused.
func (f *FCM) bearer(ctx context.Context, stale string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.options.Now()
	if f.token != "" && f.token != stale && now.Before(f.expires.Add(-fcmEarly)) {
		return f.token, nil
	}
	assertion := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": f.account.ClientEmail, "scope": fcmScope, "aud": f.account.TokenURI,
		"iat": now.Unix(), "exp": now.Add(fcmAssertion).Unix(),
	})
	assertion.Header["kid"] = f.account.PrivateKeyID
	signed, err := assertion.SignedString(f.key)
	if err != nil {
		return "", fmt.Errorf("%w: the key of FCM's account does not sign", ErrConfig)
	}
	form := url.Values{"grant_type": {fcmGrant}, "assertion": {signed}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.account.TokenURI, strings.NewReader(form))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, header, body, err := exchange(f.client, req)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		// An account that is refused is for the operator to mend.
		return "", &LaterError{retryAfter(header), "no access token: " + strconv.Itoa(status)}
	}
	f.token, f.expires = answer.AccessToken, now.Add(time.Duration(max(0, min(answer.ExpiresIn, fcmLongest)))*time.Second)
	return f.token, nil
}

type fcmMessage struct {
	Message struct {
		Token   string            `json:"token"`
		Data    map[string]string `json:"data"`
		Android fcmAndroid        `json:"android"`
	} `json:"message"`
}

type fcmAndroid struct {
	Priority string `json:"priority"`
	TTL      string `json:"ttl"`
}

// Send hands a notification to Google.
func (f *FCM) Send(ctx context.Context, n *Notification) error {
	var m fcmMessage
	m.Message.Token, m.Message.Data = n.Token, withKind(n)
	m.Message.Android = fcmAndroid{"HIGH", strconv.Itoa(int(n.Life/time.Second)) + "s"}
	body, err := encode(m)
	if err != nil {
		return err
	}
	stale := ""
	for {
		token, err := f.bearer(ctx, stale)
		if err != nil {
			return err
		}
		target := f.options.URL + "/v1/projects/" + url.PathEscape(f.account.ProjectID) + "/messages:send"
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
		status, header, answer, err := exchange(f.client, req)
		if err != nil {
			return err
		}
		if status == http.StatusUnauthorized && stale == "" {
			stale = token
			continue
		}
		return fcmError(status, header, fcmCode(answer))
	}
}

// fcmCode is the most exact code of an error: that of FCM, or of Google's APIs.
func fcmCode(answer []byte) string {
	var said struct {
		Error struct {
			Status  string
			Details []struct {
				ErrorCode string `json:"errorCode"`
			}
		}
	}
	if json.Unmarshal(answer, &said) != nil {
		return ""
	}
	code := said.Error.Status
	for _, d := range said.Error.Details {
		if d.ErrorCode != "" {
			code = d.ErrorCode
		}
	}
	if len(code) > 64 {
		return ""
	}
	return code
}

// fcmError is what an answer of Google means.
func fcmError(status int, header http.Header, code string) error {
	switch {
	case status == http.StatusOK:
		return nil
	case code == "UNREGISTERED", code == "SENDER_ID_MISMATCH":
		return fmt.Errorf("%w: %s", ErrGone, code)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return &LaterError{retryAfter(header), strconv.Itoa(status) + " " + code}
	}
	return refused(status, code)
}
