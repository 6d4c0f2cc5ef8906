package front

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
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
	values, ok := signedValues(r, auth.SignedHeaders)
	if !ok {
		return request.unauthorized("A signed header is missing or repeated.")
	}
	// Nearly every request is signed as it was sent: the other forms are made
	// only for those that are not.
	c := candidate{auth: &auth, values: values, method: r.Method, keys: request.Resource.Keys()}
	if len(c.keys) == 0 {
		return request.unauthorized("The resource takes no access keys.")
	}
	target := sentTarget(r)
	if c.signed(target, r.Host) {
		return nil
	}
	targets, hosts := targets(target), f.hosts(r.Host)
	for i, target := range targets {
		for j, host := range hosts {
			if (i > 0 || j > 0) && c.signed(target, host) {
				return nil
			}
		}
	}
	return request.unauthorized("The signature does not match the request.")
}

// candidate tries what a client may have signed.
type candidate struct {
	auth   *acswire.Authorization
	values []string // of the signed headers
	method string
	keys   [][]byte
}

// signed tells whether the signature is that of a target and a host. How long
// it takes says nothing of the keys: each try runs over all of its bytes.
func (c *candidate) signed(target, host string) bool {
	for i, name := range c.auth.SignedHeaders {
		if name == "host" {
			c.values[i] = host
		}
	}
	text := acswire.StringToSign(c.method, target, c.values)
	for _, key := range c.keys {
		if hmac.Equal(acswire.Signature(key, text), c.auth.Signature) {
			return true
		}
	}
	return false
}

// dateInWindow looks at the date header that is signed; a second, unsigned one
// has no say.
func (f *Front) dateInWindow(r *http.Request, signed []string) bool {
	name := acswire.HeaderMSDate
	if !slices.Contains(signed, "x-ms-date") {
		name = acswire.HeaderDate
	}
	date, err := f.dates.parse(r.Header.Get(name))
	if err != nil {
		return false
	}
	return f.options.Now().Sub(date).Abs() <= ClockWindow
}

// dates remembers the last date: most requests of a second have the same.
type dates struct{ last atomic.Pointer[date] }

type date struct {
	text string
	at   time.Time
}

func (d *dates) parse(text string) (time.Time, error) {
	if last := d.last.Load(); last != nil && last.text == text {
		return last.at, nil
	}
	at, err := http.ParseTime(text)
	if err == nil {
		d.last.Store(&date{text: text, at: at})
	}
	return at, err
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

// sentTarget returns the path and query as they were sent.
func sentTarget(r *http.Request) string {
	if !strings.HasPrefix(r.RequestURI, "/") {
		return r.URL.RequestURI() // the absolute form that proxies send
	}
	return r.RequestURI
}

// targets returns what the client may have signed as its path and query: as
// sent, and with the query serialized anew.
func targets(sent string) []string {
	if form, ok := acswire.FormEncodeQuery(sent); ok && form != sent {
		return []string{sent, form}
	}
	return []string{sent}
}

// signedValues returns the values of the signed headers in their order, with
// room for the host.
func signedValues(r *http.Request, names []string) ([]string, bool) {
	values := make([]string, len(names))
	for i, name := range names {
		if name == "host" {
			continue
		}
		got := r.Header.Values(name)
		if len(got) != 1 {
			return nil, false
		}
		values[i] = got[0]
	}
	return values, true
}
