package core

import (
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ETag is the entity tag of a resource as headers have it, quotes included
// (RFC 9110 8.8.3). It is another one after each change of the resource.
type ETag string

// ETagAny fits every resource that exists.
const ETagAny ETag = "*"

// IsWeak tells whether the tag is a weak one: the same for versions of the
// resource that differ in what does not matter.
func (e ETag) IsWeak() bool {
	return len(e) >= len(`W/""`) && strings.HasPrefix(string(e), `W/"`) && strings.HasSuffix(string(e), `"`)
}

// Equals compares strongly: weak tags are equal to none (RFC 9110 8.8.3.2).
func (e ETag) Equals(other ETag) bool { return !e.IsWeak() && !other.IsWeak() && e == other }

// WeakEquals compares without regard to which of them are weak.
func (e ETag) WeakEquals(other ETag) bool { return e.opaque() == other.opaque() }

func (e ETag) opaque() string {
	if e.IsWeak() {
		return string(e[len("W/"):])
	}
	return string(e)
}

// MatchConditions let a request depend on the ETag of what it is about. The
// service refuses it with status 412 when they do not hold; asked for a
// resource that has the tag of IfNoneMatch, it answers with status 304. Both are
// a *ResponseError.
type MatchConditions struct {
	// IfMatch is the tag that the resource must have; ETagAny: that it exists.
	// Nil: whatever it is.
	IfMatch *ETag
	// IfNoneMatch is the tag that the resource must not have; ETagAny: that it
	// does not exist. Nil: whatever it is.
	IfNoneMatch *ETag
}

// setOn adds the conditions to a request; c may be nil.
func (c *MatchConditions) setOn(header http.Header) {
	if c == nil {
		return
	}
	if c.IfMatch != nil {
		header.Set(acswire.HeaderIfMatch, string(*c.IfMatch))
	}
	if c.IfNoneMatch != nil {
		header.Set(acswire.HeaderIfNoneMatch, string(*c.IfNoneMatch))
	}
}

// ReadETag returns the ETag of an answer, nil when it has none. resp may be nil.
func ReadETag(resp *http.Response) *ETag {
	if resp == nil {
		return nil
	}
	value := resp.Header.Get(acswire.HeaderETag)
	if value == "" {
		return nil
	}
	return new(ETag(value))
}
