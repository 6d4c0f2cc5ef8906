package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/oidc"
)

// SigningKeysPath is where whoever runs the service sees and rotates the keys
// that sign user access tokens: GET lists them, POST makes a new one. It takes
// bearer tokens of the resource manager. It is no part of ACS's contract.
const SigningKeysPath = "/parley/v1/signing-keys"

// SigningKey is what is told of a key.
type SigningKey struct {
	ID        string `json:"id"`
	Algorithm string `json:"algorithm"`
	// State is "published", "active" or "retiring".
	State     string     `json:"state"`
	Created   time.Time  `json:"created"`
	Activates time.Time  `json:"activates"`
	Retires   *time.Time `json:"retires,omitempty"`
}

// SigningKeys are the keys, the newest first.
type SigningKeys struct {
	Keys []SigningKey `json:"keys"`
}

// serveSigningKeys answers GET and POST on SigningKeysPath. POST with the query
// now=true makes the key sign at once.
func (s *Server) serveSigningKeys(door *front.Front, w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get(acswire.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		door.Refuse(w, r, unauthorizedManager("A bearer token of the resource manager is needed: armToken of connection.json."))
		return
	}
	if _, err := s.bearer(r.Context(), strings.TrimSpace(token), oidc.UseManagement); err != nil {
		var refused *front.Error
		if !errors.As(err, &refused) {
			refused = unauthorizedManager("The bearer token is not valid, or not any more.")
		}
		door.Refuse(w, r, refused)
		return
	}
	keys := s.identity.Keys()
	if r.Method == http.MethodPost {
		var err error
		if keys, err = s.identity.RotateKeys(r.Context(), r.URL.Query().Get("now") == "true"); err != nil {
			s.logger.Error("signing keys not rotated", "error", err)
			door.Refuse(w, r, &front.Error{Status: http.StatusInternalServerError, Code: acswire.CodeInternalError, Message: "The keys could not be rotated. Try again."})
			return
		}
		s.logger.Info("signing key made", "key", keys[0].ID, "algorithm", keys[0].Algorithm, "activates", keys[0].Activates)
	}
	w.Header().Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	w.Header().Set("Cache-Control", "no-store")
	// A client that is gone notices by itself.
	_ = json.NewEncoder(w).Encode(signingKeys(keys))
}

func unauthorizedManager(message string) *front.Error {
	return &front.Error{Status: http.StatusUnauthorized, Code: acswire.CodeAuthenticationFailed, Message: message}
}

func signingKeys(keys []identity.Key) SigningKeys {
	list := SigningKeys{Keys: []SigningKey{}}
	for _, k := range keys {
		key := SigningKey{ID: k.ID, Algorithm: string(k.Algorithm), State: string(k.State), Created: k.Created, Activates: k.Activates}
		if !k.Retires.IsZero() {
			key.Retires = &k.Retires
		}
		list.Keys = append(list.Keys, key)
	}
	return list
}
