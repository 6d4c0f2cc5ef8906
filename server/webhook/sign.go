package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

// Signer makes the token that tells receivers who sent an event.
type Signer interface {
	// SignEvent returns a JSON Web Token for an audience.
	SignEvent(ctx context.Context, audience string, life time.Duration) (string, error)
}

// tokenLife is how long a token of an event is good, as ACS's.
const tokenLife = 5 * time.Minute

// Headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Signature is the value of Webhook-Signature for an event.
func Signature(secret []byte, id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
