package chat

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
)

const (
	threadPrefix = "19:"
	threadSuffix = "@thread.v2"
	maxThreadID  = 128
	// Message ids have 13 digits until the year 2286.
	maxMessageID = 19
)

// newThreadID draws the id of a thread. It cannot be guessed.
func newThreadID() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails since Go 1.24
	return threadPrefix + "parley_" + base64.RawURLEncoding.EncodeToString(random[:]) + threadSuffix
}

// ValidThreadID tells whether a text has the form of a thread's id.
func ValidThreadID(id string) bool {
	name, ok := strings.CutPrefix(id, threadPrefix)
	if !ok || len(id) > maxThreadID {
		return false
	}
	if name, ok = strings.CutSuffix(name, threadSuffix); !ok || name == "" {
		return false
	}
	for _, c := range []byte(name) {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// ParseMessageID reads the id of a message.
func ParseMessageID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || len(id) > maxMessageID || id[0] == '+' {
		return 0, refuse(KindInvalid, "Value for MessageId (%s) is not valid.", id)
	}
	return n, nil
}

// checkUser tells whether a raw id has the form of a user of a resource.
func checkUser(raw string) error {
	parsed, err := ident.Parse(raw)
	if err == nil {
		if _, ok := parsed.(ident.CommunicationUserIdentifier); ok {
			_, err = resourceOf(raw)
		} else {
			err = ident.ErrInvalid
		}
	}
	if err != nil {
		return refuse(KindInvalid, "Identifier format is invalid (%s).", raw)
	}
	return nil
}

// resourceOf returns the resource of a raw id: "8:acs:<resource>_<user>", or
// the forms of other clouds.
func resourceOf(raw string) (guid.GUID, error) {
	_, rest, _ := strings.Cut(raw, "acs:")
	r, u, ok := strings.Cut(rest, "_")
	if !ok {
		return guid.GUID{}, guid.ErrInvalid
	}
	if _, err := guid.Parse(u); err != nil {
		return guid.GUID{}, err
	}
	return guid.Parse(r)
}
