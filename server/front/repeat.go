package front

import (
	"crypto/sha256"
	"io"
	"net/http"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/store"
)

// repeatMargin is for the clocks of clients.
const repeatMargin = time.Hour

// rejected refuses a request because of what marks it.
func rejected(message string) *Error {
	return &Error{
		Status: http.StatusBadRequest, Code: acswire.CodeBadRequest, Message: message, Target: acswire.HeaderRepeatabilityID,
		Header: http.Header{acswire.HeaderRepeatabilityResult: {repeatRejected}},
	}
}

// repeatKey reads the headers that mark a request which may come twice. It
// reports false for a request without.
func (x *exchange) repeatKey() (repeat.Key, bool, error) {
	ids, firsts := x.r.Header.Values(acswire.HeaderRepeatabilityID), x.r.Header.Values(acswire.HeaderRepeatabilityFirst)
	if len(ids) == 0 && len(firsts) == 0 || x.front.options.Repeats == nil {
		return repeat.Key{}, false, nil
	}
	if len(ids) != 1 || ids[0] == "" || len(ids[0]) > repeat.MaxID {
		return repeat.Key{}, false, rejected("The id of the request is missing, repeated or too long.")
	}
	if x.operation.Repeatability == acswire.RepeatPair {
		if _, err := guid.Parse(ids[0]); err != nil {
			return repeat.Key{}, false, rejected("The id of the request must be a UUID.")
		}
		if len(firsts) == 0 {
			return repeat.Key{}, false, rejected("The time at which the request was first sent is missing.")
		}
	}
	if err := x.checkFirstSent(firsts); err != nil {
		return repeat.Key{}, false, err
	}
	key := repeat.Key{Scope: x.operation.ID, ID: ids[0]}
	if x.request.Resource != nil {
		key.ResourceID = x.request.Resource.ID
	}
	if user := x.request.Principal.User.RawID; user != "" {
		key.Scope += " " + user
	}
	return key, true, nil
}

// checkFirstSent refuses a request whose answer may be forgotten already: it
// must not be done anew.
func (x *exchange) checkFirstSent(firsts []string) error {
	if len(firsts) == 0 {
		return nil
	}
	first, err := http.ParseTime(firsts[0])
	if err != nil || len(firsts) > 1 {
		return rejected("The time at which the request was first sent is not well-formed.")
	}
	if x.front.options.Now().Sub(first) <= repeat.Keep-repeatMargin {
		return nil
	}
	e := rejected("The request was first sent too long ago.")
	e.Status, e.Code, e.Target = http.StatusPreconditionFailed, acswire.CodePreconditionFailed, acswire.HeaderRepeatabilityFirst
	return e
}

// fingerprint stands for what was asked: method, path, query and body.
func (x *exchange) fingerprint() []byte {
	h := sha256.New()
	sum := x.request.bodyHash()
	_, _ = io.WriteString(h, x.r.Method+"\n"+x.r.URL.EscapedPath()+"\n"+x.r.URL.RawQuery+"\n")
	_, _ = h.Write(sum[:])
	return h.Sum(nil)
}

// Keep stores what will be answered to a request that may come twice, in the
// transaction that does what it asks: a crash then leaves both or none, and the
// next one with the same mark gets the same answer. A handler of such an
// operation calls it last in its transaction, and answers with the same
// response. It does nothing for a request without a mark; then, and when a
// handler does not call it, the answer is kept after it.
func (r *Request) Keep(tx *store.Tx, response *Response) error {
	if r.claim == nil {
		return nil
	}
	a, err := response.answer()
	if err != nil {
		return err
	}
	if err := r.claim.FinishTx(tx, repeat.Answer{Status: a.status, Header: a.header, Body: a.body}); err != nil {
		return err
	}
	r.kept = true
	return nil
}
