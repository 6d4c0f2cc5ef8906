package core

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// TelemetryOptions say what the User-Agent header tells.
type TelemetryOptions struct {
	// ApplicationID stands first in the header, cut to 24 characters; spaces
	// become slashes. Empty: nothing.
	ApplicationID string
	// Disabled leaves the header to the transport.
	Disabled bool
}

const maxApplicationID = 24

// newTelemetryPolicy names the client, its version, Go and the platform.
func newTelemetryPolicy(module, version string, options TelemetryOptions) Policy {
	if options.Disabled {
		return PolicyFunc((*Request).Next)
	}
	var parts []string
	if id := applicationID(options.ApplicationID); id != "" {
		parts = append(parts, id)
	}
	if module != "" {
		parts = append(parts, "parley-go-"+module+"/"+version)
	}
	parts = append(parts, fmt.Sprintf("(%s; %s/%s)", runtime.Version(), runtime.GOOS, runtime.GOARCH))
	agent := strings.Join(parts, " ")
	return PolicyFunc(func(req *Request) (*http.Response, error) {
		value := agent
		if own := req.raw.Header.Get("User-Agent"); own != "" {
			value = own + " " + agent
		}
		req.raw.Header.Set("User-Agent", value)
		return req.Next()
	})
}

// applicationID keeps what may stand in a header: printable ASCII.
func applicationID(id string) string {
	id = strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '/'
		case r < ' ' || r > '~':
			return -1
		default:
			return r
		}
	}, id)
	return id[:min(len(id), maxApplicationID)]
}

// addRequestID gives a call the id under which both sides log it. All its tries
// have the same one.
func addRequestID(req *Request) (*http.Response, error) {
	if req.raw.Header.Get(acswire.HeaderClientRequestID) == "" {
		req.raw.Header.Set(acswire.HeaderClientRequestID, NewUUID())
	}
	return req.Next()
}

// NewUUID returns a random UUID (RFC 9562 5.4), for clients whose contract wants
// an id of the caller's for a request.
func NewUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails (crypto/rand).
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
