package turn

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the algorithm of the credential scheme that other TURN servers share
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Credentials let one user allocate relay addresses until they expire. They
// have the form that other TURN servers know as the REST API: the username is
// "expiry:user", the password the HMAC-SHA1 of the username under a shared
// secret.
type Credentials struct {
	Username string
	Password string
	// Expires is when the last new allocation may be made.
	Expires time.Time
}

// NewCredentials makes credentials for a user, good for ttl. The user's id is
// not in them: usernames travel in clear, so it is replaced by a keyed hash.
func NewCredentials(secret []byte, user string, now time.Time, ttl time.Duration) Credentials {
	expires := now.Add(ttl)
	username := strconv.FormatInt(expires.Unix(), 10) + ":" + pseudonym(secret, user)
	return Credentials{Username: username, Password: password(secret, username), Expires: expires}
}

func pseudonym(secret []byte, user string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("user "))
	mac.Write([]byte(user))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:9])
}

func password(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// parseUsername splits "expiry:user". Whether it is genuine shows only the
// message integrity, computed with the password that belongs to it.
func parseUsername(username string) (expires time.Time, user string, ok bool) {
	stamp, user, ok := strings.Cut(username, ":")
	if !ok || user == "" || len(user) > 64 {
		return time.Time{}, "", false
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, "", false
	}
	return time.Unix(seconds, 0), user, true
}
