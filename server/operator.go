package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/oidc"
)

// maxOperatorBody bounds the bodies of requests of whoever runs the service.
const maxOperatorBody = 64 << 10

// operatorHandler answers a request of whoever runs the service. A *front.Error
// is told; any other error is logged.
type operatorHandler func(w http.ResponseWriter, r *http.Request) error

// operatorOnly lets requests pass that have a bearer token of the resource
// manager. What it protects is no part of ACS's contract and lies under
// /parley/v1.
func (s *Server) operatorOnly(door *front.Front, handle operatorHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.checkOperator(r)
		if err == nil {
			w.Header().Set("Cache-Control", "no-store")
			r.Body = http.MaxBytesReader(w, r.Body, maxOperatorBody)
			err = handle(w, r)
		}
		if err == nil {
			return
		}
		var refused *front.Error
		if !errors.As(err, &refused) {
			s.logger.Error("request of the operator", "path", r.URL.Path, "error", err)
			refused = &front.Error{Status: http.StatusInternalServerError, Code: acswire.CodeInternalError, Message: "That did not work. Try again."}
		}
		door.Refuse(w, r, refused)
	})
}

func (s *Server) checkOperator(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get(acswire.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return unauthorizedManager("A bearer token of the resource manager is needed: armToken of connection.json.")
	}
	if _, err := s.bearer(r.Context(), strings.TrimSpace(token), oidc.UseManagement); err != nil {
		var refused *front.Error
		if errors.As(err, &refused) {
			return refused
		}
		return unauthorizedManager("The bearer token is not valid, or not any more.")
	}
	return nil
}

func unauthorizedManager(message string) *front.Error {
	return &front.Error{Status: http.StatusUnauthorized, Code: acswire.CodeAuthenticationFailed, Message: message}
}

func badRequest(message string) *front.Error {
	return &front.Error{Status: http.StatusBadRequest, Code: acswire.CodeBadRequest, Message: message}
}

func notFound(message string) *front.Error {
	return &front.Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: message}
}

// answerJSON writes an answer.
func answerJSON(w http.ResponseWriter, status int, body any) error {
	w.Header().Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	w.WriteHeader(status)
	// A client that is gone notices by itself.
	_ = json.NewEncoder(w).Encode(body)
	return nil
}
