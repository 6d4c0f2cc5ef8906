package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"unicode/utf8"

	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	// maxDepth is how deep the JSON of a body may be nested. The contract's
	// deepest request has less than ten levels.
	maxDepth = 64

	standsTwice = "A member of the body stands twice."
)

// Decode reads the body as JSON into v, which stays as it is when there is no
// body. Unknown members are ignored, and those of a model found whatever the
// case of their names, as ACS does. Text that is not UTF-8, a
// member that stands twice, also in another case where both name the same one of
// a model, and nesting without end are refused: what one reader takes for one
// thing and the next for another has no place behind a signature. So is the character U+0000, which PostgreSQL keeps in no text. The
// error is an *Error.
func (r *Request) Decode(v any) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return nil
	}
	mixed, err := checkJSON(r.Body)
	if err != nil {
		return err
	}
	if mixed && namesTwice(r.Body, reflect.TypeOf(v)) {
		return badBody(standsTwice)
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
// syntax error. It reports whether an object has names that differ in case only.
func checkJSON(body []byte) (mixed bool, err error) {
	if !utf8.Valid(body) {
		return false, badBody("The body is not UTF-8.")
	}
	var stack []level
	for i := 0; i < len(body); {
		switch body[i] {
		case '{', '[':
			if len(stack) == maxDepth {
				return false, badBody("The body is nested too deeply.")
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
			end, folded, err := stringIn(stack, body, i)
			if err != nil {
				return false, err
			}
			mixed = mixed || folded
			i = end
			continue
		}
		i++
	}
	return mixed, nil
}

// stringIn checks the string that begins at start, and notes it if it is a
// member's name. It returns the index behind it, and whether the name differs in
// case only from another.
func stringIn(stack []level, body []byte, start int) (end int, folded bool, err error) {
	end, ok := endOfString(body, start)
	if !ok {
		return 0, false, badBody("The body is not well-formed JSON.")
	}
	if hasNUL(body[start:end]) {
		return 0, false, badBody("A text of the body holds the character U+0000.")
	}
	n := len(stack)
	if n == 0 || !stack[n-1].name {
		return end, false, nil
	}
	stack[n-1].name = false
	kind := stack[n-1].add(body[start:end])
	if kind == nameTwice {
		return 0, false, badBody(standsTwice)
	}
	return end, kind == nameFolded, nil
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
