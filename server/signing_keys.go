package server

import (
	"net/http"
	"time"

	"github.com/parley-rtc/parley/server/identity"
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
func (s *Server) serveSigningKeys(w http.ResponseWriter, r *http.Request) error {
	keys := s.identity.Keys()
	if r.Method == http.MethodPost {
		var err error
		if keys, err = s.identity.RotateKeys(r.Context(), r.URL.Query().Get("now") == "true"); err != nil {
			return err
		}
		s.logger.Info("signing key made", "key", keys[0].ID, "algorithm", keys[0].Algorithm, "activates", keys[0].Activates)
	}
	return answerJSON(w, http.StatusOK, signingKeys(keys))
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
