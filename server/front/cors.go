package front

import (
	"net/http"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	allowedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	// A day; browsers cap it at what they think right.
	preflightAge = "86400"
	// What is asked for is repeated back, within reason.
	maxAskedHeaders = 4096
)

// exposed returns the names of the headers that pages of other origins may
// read: those of every answer and those that operations name. There is no
// wildcard for a part of a name, so all are listed.
func exposed(areas []Area) string {
	names := []string{
		acswire.HeaderOperationLocation, acswire.HeaderLocation, acswire.HeaderRetryAfter, acswire.HeaderAsyncOperation,
		acswire.HeaderRequestID, acswire.HeaderClientRequestID, acswire.HeaderErrorCode,
		acswire.HeaderSupportedVersions, acswire.HeaderDeprecatedVersions, acswire.HeaderDeprecation, acswire.HeaderSunset,
		acswire.HeaderRepeatabilityResult, "Etag", "Content-Disposition",
	}
	for _, a := range areas {
		for _, o := range a.operations() {
			for _, r := range o.Responses {
				for _, name := range r.Headers {
					names = append(names, http.CanonicalHeaderKey(name))
				}
			}
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// cors lets pages of every origin read the answer (fetch.spec.whatwg.org 3.2).
// Credentials of the browser are never allowed: what authorizes a request is
// in a header that the page itself has set. It reports true when the request
// was a preflight, which is answered whatever its path is.
func (f *Front) cors(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", f.exposed)
		return false
	}
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	// The wildcard would leave Authorization out.
	asked := strings.Join(r.Header.Values("Access-Control-Request-Headers"), ", ")
	if asked != "" && len(asked) <= maxAskedHeaders && isFieldList(asked) {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", preflightAge)
	h.Set("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// isFieldList tells whether s is a list of header names (RFC 9110 5.6.2).
func isFieldList(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~, ", c) >= 0:
		default:
			return false
		}
	}
	return true
}
