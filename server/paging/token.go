package paging

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

const (
	tokenVersion = 1
	tokenSum     = 6
	maxTokenPart = 1 << 10
	maxToken     = 4 << 10
)

// sealToken makes a continuation: a version, a check sum over the list's name
// and the parts, and the parts, each behind its length.
func sealToken(list string, parts []string) string {
	var body []byte
	for _, part := range parts {
		body = binary.AppendUvarint(body, uint64(len(part)))
		body = append(body, part...)
	}
	sum := tokenSumOf(list, body)
	raw := append([]byte{tokenVersion}, sum[:]...)
	return base64.RawURLEncoding.EncodeToString(append(raw, body...))
}

// openToken reads a continuation of a list.
func openToken(list, token string) ([]string, bool) {
	if len(token) > maxToken {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < 1+tokenSum || raw[0] != tokenVersion {
		return nil, false
	}
	body := raw[1+tokenSum:]
	if tokenSumOf(list, body) != [tokenSum]byte(raw[1:1+tokenSum]) {
		return nil, false
	}
	var parts []string
	for len(body) > 0 {
		n, read := binary.Uvarint(body)
		if read <= 0 || n > maxTokenPart || n > uint64(len(body)-read) {
			return nil, false
		}
		part := string(body[read : read+int(n)])
		// It goes into queries: PostgreSQL knows no U+0000.
		if !utf8.ValidString(part) || strings.IndexByte(part, 0) >= 0 {
			return nil, false
		}
		parts = append(parts, part)
		body = body[read+int(n):]
	}
	return parts, true
}

func tokenSumOf(list string, body []byte) [tokenSum]byte {
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(list))))
	h.Write([]byte(list))
	h.Write(body)
	return [tokenSum]byte(h.Sum(nil)[:tokenSum])
}
