package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	// maxDepth is how deep the JSON of a body may be nested. The contract's
	// deepest request has less than ten levels.
	maxDepth = 64
	// Up to here the names of an object are compared with each other, beyond
	// they are kept in a map.
	fewNames = 16
)

// Decode reads the body as JSON into v, which stays as it is when there is no
// body. Unknown members are ignored, as ACS does. Text that is not UTF-8, a
// member that stands twice, and nesting without end are refused: what one
// reader takes for one thing and the next for another has no place behind a
// signature. So is the character U+0000, which PostgreSQL keeps in no text. The
// error is an *Error.
func (r *Request) Decode(v any) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return nil
	}
	if err := checkJSON(r.Body); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Body, v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return &Error{
				Status: http.StatusBadRequest, Code: acswire.CodeValidationError,
				Message: "The member has the wrong type.", Target: wrong.Field,
			}
		}
		return badBody("The body is not well-formed JSON.")
	}
	return nil
}

// checkJSON looks for what encoding/json lets pass. It need not notice a
// syntax error.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return badBody("The body is not UTF-8.")
	}
	var stack []level
	for i := 0; i < len(body); {
		switch body[i] {
		case '{', '[':
			if len(stack) == maxDepth {
				return badBody("The body is nested too deeply.")
			}
			stack = append(stack, level{object: body[i] == '{', name: body[i] == '{'})
		case '}', ']':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
		case ',':
			if n := len(stack); n > 0 {
				stack[n-1].name = stack[n-1].object
			}
		case '"':
			end, ok := endOfString(body, i)
			if !ok {
				return badBody("The body is not well-formed JSON.")
			}
			if hasNUL(body[i:end]) {
				return badBody("A text of the body holds the character U+0000.")
			}
			if n := len(stack); n > 0 && stack[n-1].name {
				stack[n-1].name = false
				if !stack[n-1].add(body[i:end]) {
					return badBody("A member of the body stands twice.")
				}
			}
			i = end
			continue
		}
		i++
	}
	return nil
}

// level is an object or array that is open.
type level struct {
	object bool
	name   bool // the next string is a member's name
	few    []string
	many   map[string]bool
}

// add notes a name; it reports false when the object has it already.
func (l *level) add(quoted []byte) bool {
	name := string(quoted[1 : len(quoted)-1])
	if strings.IndexByte(name, '\\') >= 0 && json.Unmarshal(quoted, &name) != nil {
		return true // a syntax error, which is found later
	}
	if l.many != nil {
		if l.many[name] {
			return false
		}
		l.many[name] = true
		return true
	}
	for _, other := range l.few {
		if other == name {
			return false
		}
	}
	l.few = append(l.few, name)
	if len(l.few) > fewNames {
		l.many = make(map[string]bool, 2*len(l.few))
		for _, other := range l.few {
			l.many[other] = true
		}
	}
	return true
}

// endOfString returns the index behind the string that begins at start. It
// reports false for a string without end, and for half a surrogate pair, which
// stands for no character (RFC 8259 8.2).
func endOfString(body []byte, start int) (int, bool) {
	for i := start + 1; i < len(body); i++ {
		switch body[i] {
		case '"':
			return i + 1, true
		case '\\':
			unit, size := escape(body[i:])
			switch {
			case 0xDC00 <= unit && unit <= 0xDFFF:
				return 0, false
			case 0xD800 <= unit && unit <= 0xDBFF:
				low, more := escape(body[i+size:])
				if low < 0xDC00 || low > 0xDFFF {
					return 0, false
				}
				size += more
			}
			i += size - 1
		}
	}
	return 0, false
}

// escape returns the UTF-16 unit of the \u escape that s begins with, or 0,
// and how long the escape is.
func escape(s []byte) (unit, size int) {
	if len(s) < 2 || s[0] != '\\' {
		return 0, 1
	}
	if s[1] != 'u' || len(s) < 6 {
		return 0, 2
	}
	for _, c := range s[2:6] {
		unit <<= 4
		switch {
		case '0' <= c && c <= '9':
			unit |= int(c - '0')
		case 'a' <= c && c <= 'f':
			unit |= int(c-'a') + 10
		case 'A' <= c && c <= 'F':
			unit |= int(c-'A') + 10
		default:
			return 0, 2
		}
	}
	return unit, 6
}

// hasNUL tells whether a JSON string, with its escapes, holds U+0000.
func hasNUL(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if bytes.HasPrefix(text[i:], []byte("u0000")) {
			return true
		}
	}
	return false
}
