package front

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ClockWindow is how far the date of a signed request may be from the
// service's clock, either way. ACS does not publish its own; other Azure
// services with signatures of this kind take 15 minutes.
const ClockWindow = 15 * time.Minute

// verify checks the access-key signature of a request (azure-sdks 2.2). It
// covers the hash that the request announces for its body, so nothing of the
// body needs to be read for it. The messages say which check failed: none of
// it is secret, and guessing wrong costs every newcomer an hour.
func (f *Front) verify(request *Request) error {
	r := request.http
	auth, err := acswire.ParseAuthorization(r.Header.Get(acswire.HeaderAuthorization))
	if err != nil || len(r.Header.Values(acswire.HeaderAuthorization)) != 1 {
		return request.unauthorized("The Authorization header is not well-formed.")
	}
	if !f.dateInWindow(r, auth.SignedHeaders) {
		return request.unauthorized("The request's date is missing, malformed or more than 15 minutes from the service's clock.")
	}
	keys, targets := request.Resource.Keys(), targets(r)
	for _, host := range f.hosts(r.Host) {
		values, ok := signedValues(r, auth.SignedHeaders, host)
		if !ok {
			return request.unauthorized("A signed header is missing or repeated.")
		}
		for _, target := range targets {
			text := acswire.StringToSign(r.Method, target, values)
			for _, key := range keys {
				if hmac.Equal(acswire.Signature(key, text), auth.Signature) {
					return nil
				}
			}
		}
	}
	return request.unauthorized("The signature does not match the request.")
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

// hosts returns what the client may have signed as its host: the one received;
// the other one of "host:port" and "host:port:port", which older SDKs sign and
// send; and the public one.
func (f *Front) hosts(received string) []string {
	hosts := make([]string, 1, 4)
	hosts[0] = received
	if single := singlePort(received); single != received {
		hosts = append(hosts, single)
	} else if doubled, ok := doubledPort(received); ok {
		hosts = append(hosts, doubled)
	}
	if public := f.options.PublicHost; public != "" && public != received {
		hosts = append(hosts, public)
		if doubled, ok := doubledPort(public); ok {
			hosts = append(hosts, doubled)
		}
	}
	return hosts
}

// doubledPort makes "host:port:port" of "host:port".
func doubledPort(host string) (string, bool) {
	i := portAt(host)
	if i < 0 {
		return "", false
	}
	return host + host[i:], true
}

// singlePort makes "host:port" of "host:port:port" and leaves others alone.
func singlePort(host string) string {
	i := portAt(host)
	if i < 0 {
		return host
	}
	if j := portAt(host[:i]); j >= 0 && host[j:i] == host[i:] {
		return host[:i]
	}
	return host
}

// portAt returns where ":port" begins at the end of a host, -1 without one. An
// IPv6 address has its colons in brackets.
func portAt(host string) int {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 {
		return -1
	}
	return i
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
