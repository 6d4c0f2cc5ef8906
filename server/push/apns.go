package push

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	apnsProduction = "https://api.push.apple.com"
	apnsSandbox    = "https://api.sandbox.push.apple.com"
	// Apple refuses tokens older than an hour, and ones made more often than
	// every 20 minutes.
	apnsTokenLife = 40 * time.Minute
	apnsTokenRest = 20 * time.Minute

	sendTime    = 20 * time.Second
	pingAfter   = time.Minute
	pingTime    = 15 * time.Second
	idleTime    = 10 * time.Minute
	maxResponse = 16 << 10
)

// APNsOptions configure the sender for Apple's devices. Key, KeyID, TeamID and
// Topic are required.
type APNsOptions struct {
	// Key is the signing key of the developer account, in PEM (a .p8 file).
	Key []byte
	// KeyID and TeamID are those of the key and of the team.
	KeyID, TeamID string
	// Topic is the app's bundle id.
	Topic string
	// URL and SandboxURL are of the service; empty: Apple's.
	URL, SandboxURL string
	// RootCAs verify the service; nil is the system's authorities.
	RootCAs *x509.CertPool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// APNs is the sender for Apple's devices, over HTTP/2 with tokens of the
// provider.
type APNs struct {
	options APNsOptions
	key     *ecdsa.PrivateKey
	client  *http.Client

	mu    sync.Mutex
	token string
	made  time.Time
}

// NewAPNs reads the key. Close the sender when done. The error wraps ErrConfig.
func NewAPNs(options APNsOptions) (*APNs, error) {
	key, err := jwt.ParseECPrivateKeyFromPEM(options.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: the key of APNs is no key of elliptic curves in PEM", ErrConfig)
	}
	if options.KeyID == "" || options.TeamID == "" || options.Topic == "" {
		return nil, fmt.Errorf("%w: APNs needs the key's id, the team's id and the app's bundle id", ErrConfig)
	}
	if options.URL == "" {
		options.URL = apnsProduction
	}
	if options.SandboxURL == "" {
		options.SandboxURL = apnsSandbox
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &APNs{options: options, key: key, client: newClient(options.RootCAs)}, nil
}

// newClient makes a client that keeps connections of HTTP/2 and notices when one
// is dead.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: sendTime,
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, IdleConnTimeout: idleTime, MaxIdleConnsPerHost: 2,
			HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTime},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close lets go of the connections.
func (a *APNs) Close() { a.client.CloseIdleConnections() }

// bearer returns a token of the provider. stale is one that was refused.
func (a *APNs) bearer(stale string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.options.Now()
	age := now.Sub(a.made)
	if a.token != "" && age < apnsTokenLife && age >= 0 && (a.token != stale || age < apnsTokenRest) {
		return a.token, nil
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": a.options.TeamID, "iat": now.Unix()})
	token.Header["kid"] = a.options.KeyID
	delete(token.Header, "typ")
	signed, err := token.SignedString(a.key)
	if err != nil {
		return "", fmt.Errorf("%w: the key of APNs does not sign", ErrConfig)
	}
	a.token, a.made = signed, now
	return signed, nil
}

type apnsAlert struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
}

type apnsAPS struct {
	Alert          *apnsAlert `json:"alert,omitempty"`
	Sound          string     `json:"sound,omitempty"`
	MutableContent int        `json:"mutable-content,omitempty"`
	ThreadID       string     `json:"thread-id,omitempty"`
}

type apnsPayload struct {
	APS    apnsAPS           `json:"aps"`
	Parley map[string]string `json:"parley"`
}

// Send hands a notification to Apple.
func (a *APNs) Send(ctx context.Context, n *Notification) error {
	payload := apnsPayload{Parley: withKind(n)}
	kind, topic := "voip", a.options.Topic+".voip"
	if !n.VoIP {
		kind, topic = "alert", a.options.Topic
		payload.APS = apnsAPS{Alert: &apnsAlert{n.Title, n.Body}, Sound: "default", MutableContent: 1, ThreadID: n.Group}
	}
	body, err := encode(payload)
	if err != nil {
		return err
	}
	base := a.options.URL
	if n.Sandbox {
		base = a.options.SandboxURL
	}
	stale := ""
	for {
		token, err := a.bearer(stale)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/3/device/"+url.PathEscape(n.Token), bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "bearer "+token)
		req.Header.Set("Apns-Topic", topic)
		req.Header.Set("Apns-Push-Type", kind)
		req.Header.Set("Apns-Priority", "10")
		req.Header.Set("Apns-Expiration", strconv.FormatInt(a.options.Now().Add(n.Life).Unix(), 10))
		status, header, answer, err := exchange(a.client, req)
		if err != nil {
			return err
		}
		if status == http.StatusForbidden && apnsReason(answer) == "ExpiredProviderToken" && stale == "" {
			stale = token
			continue
		}
		return apnsError(status, header, apnsReason(answer))
	}
}

func apnsReason(answer []byte) string {
	var said struct{ Reason string }
	if json.Unmarshal(answer, &said) != nil || len(said.Reason) > 64 {
		return ""
	}
	return said.Reason
}

// apnsError is what an answer of Apple means.
func apnsError(status int, header http.Header, reason string) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusGone, reason == "BadDeviceToken", reason == "Unregistered", reason == "DeviceTokenNotForTopic":
		return fmt.Errorf("%w: %s", ErrGone, reason)
	case status == http.StatusForbidden, status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		// A token of the provider that is refused is for the operator to mend.
		return &LaterError{retryAfter(header), strconv.Itoa(status) + " " + reason}
	}
	return refused(status, reason)
}

// withKind is the data for the app with what it is about.
func withKind(n *Notification) map[string]string {
	data := map[string]string{"type": string(n.Kind)}
	for name, value := range n.Data {
		data[name] = value
	}
	return data
}

// exchange sends a request and reads the answer. Failures of the network may
// pass; what they say may hold a device's token, and is not told.
func exchange(client *http.Client, req *http.Request) (status int, header http.Header, body []byte, err error) {
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	}
	if err != nil {
		reason := "the platform does not answer"
		if urlError := (*url.Error)(nil); errors.As(err, &urlError) {
			reason = strings.ReplaceAll(urlError.Err.Error(), req.URL.Path, "…")
		}
		return 0, nil, nil, &LaterError{0, reason}
	}
	return resp.StatusCode, resp.Header, body, nil
}

// retryAfter reads how long the platform asks to wait.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	// Limited before it is multiplied: a large number of seconds is no time.Duration.
	return time.Duration(min(seconds, int(messageLife/time.Second))) * time.Second
}
