package server

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/identity"
)

const (
	// discoveryPath is where verifiers of the tokens of events find the keys;
	// callbackDiscoveryPath is where receivers of ACS's callbacks look.
	discoveryPath         = "/.well-known/openid-configuration"
	callbackDiscoveryPath = "/calling/.well-known/acsopenidconfiguration"
)

// issuer is who signs the tokens of events: the default resource's endpoint.
func (s *Server) issuer() string { return "https://" + s.hosts.HostOf(s.resources.Default()) }

// hostName cuts the port off a host.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// discovery is the service as an issuer (OpenID Connect Discovery 1.0, 3). Its
// tokens come from the REST API, so it has no authorization endpoint.
type discovery struct {
	Issuer        string   `json:"issuer"`
	Keys          string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

func (s *Server) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	w.Header().Set("Cache-Control", "public, max-age=300")
	issuer := s.issuer()
	// A client that is gone notices by itself.
	_ = json.NewEncoder(w).Encode(discovery{
		Issuer: issuer, Keys: issuer + identity.JWKSPath, ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
		Algorithms: []string{string(identity.AlgorithmES256), string(identity.AlgorithmRS256)},
	})
}
