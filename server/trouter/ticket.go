package trouter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// ticket is what allocation found out about a client.
type ticket struct {
	User     string `json:"u"`
	Resource string `json:"r"`
	// Endpoint is the client instance, by its own choice; ID is this allocation.
	Endpoint string    `json:"e"`
	ID       string    `json:"i"`
	Issued   time.Time `json:"a"` // the token's
	Expires  time.Time `json:"x"` // the token's
	// OpenBy is until when the ticket opens connections.
	OpenBy time.Time `json:"o"`
}

var errTicket = errors.New("trouter: ticket not valid")

const maxTicket = 2048

// seal signs a ticket.
func (s *Service) seal(t *ticket) (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mark(text)), nil
}

// unseal reads a ticket whose signature is good; its times are not looked at.
func (s *Service) unseal(text string) (*ticket, error) {
	body, signature, ok := strings.Cut(text, ".")
	if !ok || len(text) > maxTicket {
		return nil, errTicket
	}
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(given, s.mark(body)) {
		return nil, errTicket
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return nil, errTicket
	}
	t := &ticket{}
	if err := json.Unmarshal(data, t); err != nil {
		return nil, errTicket
	}
	return t, nil
}

func (s *Service) mark(text string) []byte {
	h := hmac.New(sha256.New, s.options.Secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}
