package signaling

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
)

// Path is where the service takes signaling connections.
const Path = "/parley/v1/signaling"

// Subprotocol is the WebSocket subprotocol of version 1.
const Subprotocol = "parley.v1"

// WebSocketOptions configure NewWebSocketDialer.
type WebSocketOptions struct {
	// TLSConfig is used for https endpoints. nil: the system's authorities.
	TLSConfig *tls.Config
	// DialContext opens the TCP connection. nil: net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets debug messages. nil is silent.
	Logger *slog.Logger
}

// NewWebSocketDialer returns a Dialer for the service at endpoint, an https
// or http URL with host and optional port; its path is ignored. An endpoint
// that cannot be used fails each Dial.
func NewWebSocketDialer(endpoint string, options *WebSocketOptions) Dialer {
	return &webSocketDialer{}
}

type webSocketDialer struct{}

func (d *webSocketDialer) Dial(ctx context.Context) (Conn, error) {
	return nil, errors.New("signaling: not written yet")
}

// AcceptWebSocket upgrades a request. On an error it has answered the request.
// The request's context ends with the handler, so serve the connection before
// returning from it.
func AcceptWebSocket(w http.ResponseWriter, r *http.Request) (Conn, error) {
	return nil, errors.New("signaling: not written yet")
}
