package front

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/resource"
)

// ClockWindow is how far the date of a signed request may be from the
// service's clock, either way. ACS does not publish its own; other Azure
// services with signatures of this kind take 15 minutes.
const ClockWindow = 15 * time.Minute

// verify checks the access-key signature of a request (azure-sdks 2.2). The
// messages say which check failed: none of it is secret, and guessing wrong
// costs every newcomer an hour.
func (f *Front) verify(r *http.Request, res *resource.Resource, body []byte) error {
	auth, err := acswire.ParseAuthorization(r.Header.Get(acswire.HeaderAuthorization))
	if err != nil || len(r.Header.Values(acswire.HeaderAuthorization)) != 1 {
		return unauthorized("The Authorization header is not well-formed.")
	}
	if !f.dateInWindow(r, auth.SignedHeaders) {
		return unauthorized("The request's date is missing, malformed or more than 15 minutes from the service's clock.")
	}
	hash := r.Header.Get(acswire.HeaderContentHash)
	if !hmac.Equal([]byte(hash), []byte(acswire.ContentHash(body))) {
		return unauthorized("The x-ms-content-sha256 header does not match the body.")
	}
	for _, host := range f.hosts(r.Host) {
		values, ok := signedValues(r, auth.SignedHeaders, host)
		if !ok {
			return unauthorized("A signed header is missing or repeated.")
		}
		for _, target := range targets(r) {
			text := acswire.StringToSign(r.Method, target, values)
			for _, key := range res.Keys() {
				if hmac.Equal(acswire.Signature(key, text), auth.Signature) {
					return nil
				}
			}
		}
	}
	return unauthorized("The signature does not match the request.")
}

// dateInWindow looks at the date header that is signed; a second, unsigned one
// has no say.
func (f *Front) dateInWindow(r *http.Request, signed []string) bool {
	name := acswire.HeaderMSDate
	if !slices.Contains(signed, "x-ms-date") {
		name = acswire.HeaderDate
	}
	date, err := http.ParseTime(r.Header.Get(name))
	if err != nil {
		return false
	}
	return f.options.Now().Sub(date).Abs() <= ClockWindow
}

// hosts returns what the client may have signed as its host: the one received,
// the one with its port doubled that older SDKs sign, and the public one.
func (f *Front) hosts(received string) []string {
	hosts := []string{received}
	if i := strings.LastIndexByte(received, ':'); i >= 0 {
		hosts = append(hosts, received+received[i:])
	}
	if public := f.options.PublicHost; public != "" && public != received {
		hosts = append(hosts, public)
	}
	return hosts
}

// targets returns what the client may have signed as its path and query: as
// sent, and with the query serialized anew.
func targets(r *http.Request) []string {
	raw := r.RequestURI
	if !strings.HasPrefix(raw, "/") {
		raw = r.URL.RequestURI() // the absolute form that proxies send
	}
	forms := []string{raw}
	if form, ok := acswire.FormEncodeQuery(raw); ok && form != raw {
		forms = append(forms, form)
	}
	return forms
}

// signedValues returns the values of the signed headers in their order.
func signedValues(r *http.Request, names []string, host string) ([]string, bool) {
	values := make([]string, 0, len(names))
	for _, name := range names {
		if name == "host" {
			values = append(values, host)
			continue
		}
		got := r.Header.Values(name)
		if len(got) != 1 {
			return nil, false
		}
		values = append(values, got[0])
	}
	return values, true
}
