package arm

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/resource"
)

// etagOf returns the entity tag of a resource: it is another one after each
// change.
func etagOf(r *resource.Resource) string {
	return `"` + strconv.FormatInt(r.Revision, 16) + `"`
}

// tagList is the value of If-Match or If-None-Match (RFC 9110 13.1.1).
type tagList struct {
	any  bool
	tags []string // with their quotes, without W/
}

// parseTags reads such a value; absent is an empty list that is not given.
func parseTags(header string) (list tagList, given bool, err error) {
	header = strings.TrimSpace(header)
	switch header {
	case "":
		return tagList{}, false, nil
	case "*":
		return tagList{any: true}, true, nil
	}
	bad := refuse(http.StatusBadRequest, acswire.CodeBadRequest, "", "An If-Match or If-None-Match header is not well-formed.")
	for header != "" {
		header = strings.TrimPrefix(strings.TrimLeft(header, " \t"), "W/")
		if !strings.HasPrefix(header, `"`) {
			return tagList{}, true, bad
		}
		end := strings.IndexByte(header[1:], '"')
		if end < 0 {
			return tagList{}, true, bad
		}
		list.tags = append(list.tags, header[:end+2])
		header = strings.TrimLeft(header[end+2:], " \t")
		if header == "" {
			break
		}
		rest, comma := strings.CutPrefix(header, ",")
		if !comma {
			return tagList{}, true, bad
		}
		header = rest
	}
	return list, true, nil
}

// has tells whether a resource is meant; nil is one that is not there.
func (l *tagList) has(r *resource.Resource) bool {
	if r == nil {
		return false
	}
	if l.any {
		return true
	}
	for _, tag := range l.tags {
		if tag == etagOf(r) {
			return true
		}
	}
	return false
}

// conditions are what a request asks of the resource as it is.
type conditions struct {
	match, noneMatch           tagList
	matchGiven, noneMatchGiven bool
}

func conditionsOf(r *front.Request) (c conditions, err error) {
	if c.match, c.matchGiven, err = parseTags(r.Header(acswire.HeaderIfMatch)); err != nil {
		return c, err
	}
	c.noneMatch, c.noneMatchGiven, err = parseTags(r.Header(acswire.HeaderIfNoneMatch))
	return c, err
}

// check refuses a change that the conditions do not allow. r is nil when there
// is no such resource.
func (c *conditions) check(r *resource.Resource) error {
	if c.matchGiven && !c.match.has(r) || c.noneMatchGiven && c.noneMatch.has(r) {
		return refuse(http.StatusPreconditionFailed, acswire.CodePreconditionFailed, "", "The resource is not as the If-Match or If-None-Match header asks for.")
	}
	return nil
}
