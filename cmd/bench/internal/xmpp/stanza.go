package xmpp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// largest is how many bytes a stanza may have; what the bench asks for is a
// few hundred.
const largest = 1 << 20

// Errors of a stream.
var (
	errXML   = errors.New("xmpp: not the XML of a stream")
	errLarge = errors.New("xmpp: stanza too large")
)

// splitter cuts a stream into its header and its stanzas. It knows as much XML
// as RFC 6120 11.1 leaves: no comments, no declarations but the first, no
// processing instructions; CDATA, which is allowed, it refuses.
type splitter struct {
	r   *bufio.Reader
	buf []byte
}

// tag kinds.
type kind uint8

const (
	opening kind = iota
	closing
	empty
	declaration
)

// header reads up to the end of the opening tag of the stream (RFC 6120 4.2).
func (s *splitter) header() error {
	for {
		s.buf = s.buf[:0]
		if err := s.text(true); err != nil {
			return err
		}
		switch k, err := s.tag(); {
		case err != nil:
			return err
		case k == declaration:
		case k == opening:
			return nil
		default:
			return errXML
		}
	}
}

// next returns the next stanza, valid until the following call; io.EOF once the
// stream was closed.
func (s *splitter) next() ([]byte, error) {
	s.buf = s.buf[:0]
	for depth := 0; ; {
		if err := s.text(depth == 0); err != nil {
			return nil, err
		}
		k, err := s.tag()
		if err != nil {
			return nil, err
		}
		switch k {
		case opening:
			depth++
		case closing:
			depth--
		case empty:
		case declaration:
			return nil, errXML
		}
		switch {
		case depth < 0:
			return nil, io.EOF // the end of the stream itself
		case depth == 0:
			return s.buf, nil
		}
	}
}

// text keeps what stands before a tag, and the tag's first byte. Between
// stanzas only white space may stand, which is dropped.
func (s *splitter) text(between bool) error {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return unexpected(err, len(s.buf))
		}
		if c != '<' && between {
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return errXML
			}
			continue
		}
		if s.buf = append(s.buf, c); len(s.buf) > largest {
			return errLarge
		}
		if c == '<' {
			return nil
		}
	}
}

// tag reads the rest of a tag.
func (s *splitter) tag() (kind, error) {
	begin := len(s.buf)
	for quote := byte(0); ; {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, unexpected(err, 1)
		}
		if s.buf = append(s.buf, c); len(s.buf) > largest {
			return 0, errLarge
		}
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '<':
			return 0, errXML
		case c == '>':
			return kindOf(s.buf[begin : len(s.buf)-1])
		}
	}
}

func kindOf(inside []byte) (kind, error) {
	if len(inside) == 0 {
		return 0, errXML
	}
	switch last := inside[len(inside)-1]; {
	case inside[0] == '!':
		return 0, errXML
	case inside[0] == '?' && last == '?' && len(inside) > 1:
		return declaration, nil
	case inside[0] == '?':
		return 0, errXML
	case inside[0] == '/':
		return closing, nil
	case last == '/':
		return empty, nil
	default:
		return opening, nil
	}
}

// unexpected is the end of a connection within a stanza.
func unexpected(err error, read int) error {
	if errors.Is(err, io.EOF) && read > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// element is a stanza, whole.
type element []byte

// name returns the name of the outermost tag.
func (e element) name() string {
	end := bytes.IndexAny(e, " \t\r\n/>")
	if len(e) == 0 || end < 1 {
		return ""
	}
	return string(e[1:end])
}

// attribute returns an attribute of the outermost tag; empty without it.
func (e element) attribute(name string) string {
	at := len(e.name()) + 1
	for at < len(e) {
		at += len(e[at:]) - len(bytes.TrimLeft(e[at:], " \t\r\n"))
		equals := bytes.IndexByte(e[at:], '=')
		end := bytes.IndexByte(e[at:], '>')
		if equals < 0 || end >= 0 && end < equals {
			return "" // the tag is over
		}
		key := strings.TrimSpace(string(e[at : at+equals]))
		at += equals + 1
		at += len(e[at:]) - len(bytes.TrimLeft(e[at:], " \t\r\n"))
		if at >= len(e) || e[at] != '\'' && e[at] != '"' {
			return ""
		}
		length := bytes.IndexByte(e[at+1:], e[at])
		if length < 0 {
			return ""
		}
		if key == name {
			return unescape(string(e[at+1 : at+1+length]))
		}
		at += length + 2
	}
	return ""
}

// inside returns the text of the first element of that name; ok is false when
// there is none.
func (e element) inside(name string) (text string, ok bool) {
	rest := []byte(e)
	for {
		at := bytes.Index(rest, []byte("<"+name))
		if at < 0 {
			return "", false
		}
		rest = rest[at+1+len(name):]
		if len(rest) > 0 && (rest[0] == '>' || rest[0] == ' ') {
			break
		}
	}
	begin := bytes.IndexByte(rest, '>')
	if begin < 0 || begin > 0 && rest[begin-1] == '/' {
		return "", begin >= 0
	}
	end := bytes.Index(rest[begin:], []byte("</"+name+">"))
	if end < 0 {
		return "", false
	}
	return unescape(string(rest[begin+1 : begin+end])), true
}

// has tells whether the stanza names a namespace or any other text.
func (e element) has(text string) bool { return bytes.Contains(e, []byte(text)) }

// escape makes text fit for content and for attributes.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;", `"`, "&quot;").Replace(text)
}

// unescape resolves the five names of XML and characters by number; what is
// neither stays.
func unescape(text string) string {
	if !strings.Contains(text, "&") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "&")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, ";")
		c, known := character(name)
		if !ok || !known {
			b.WriteByte('&')
			text = rest
			continue
		}
		b.WriteRune(c)
		text = after
	}
}

func character(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}

// failure is what a stanza of an error says.
func failure(doing string, e element) error {
	return fmt.Errorf("xmpp: %s: %.300s", doing, e)
}
