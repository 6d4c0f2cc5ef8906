// Command barehandler is the least that could stand in for the service in the
// rest scenario of bench: a handler that makes one durable insert and signs one
// token, and one that does an indexed read, over the same store, with no
// checks, no contract and no limits. It is the yardstick, never a product. It
// ends when its standard input is closed.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "barehandler: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	data := flag.String("data", "", "folder of the database")
	database := flag.String("database", "", "URL of a PostgreSQL database; empty: SQLite in the folder")
	flag.Parse()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(*data, "bare.db"), URL: *database})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer st.Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	h := &handler{store: st, key: key, resource: guid.New()}
	first, err := h.insert(ctx)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tokens", h.issue)
	mux.HandleFunc("GET /users/{id}", h.read)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("listening http://%s %s\n", listener.Addr(), first)
	_, _ = io.Copy(io.Discard, os.Stdin) // the order to end
	if err := server.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

type handler struct {
	store    *store.Store
	key      *ecdsa.PrivateKey
	resource guid.GUID
}

// insert makes one row and returns when it is durable.
func (h *handler) insert(ctx context.Context) (guid.GUID, error) {
	id := guid.New()
	err := h.store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO users (resource_id, id, custom_id, tokens_valid_from, last_token_issued_at, created_at)
			VALUES ($1, $2, NULL, 0, $3, $3)`, h.resource[:], id[:], time.Now().UnixMilli())
		return err
	})
	return id, err
}

func (h *handler) issue(w http.ResponseWriter, r *http.Request) {
	id, err := h.insert(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	expires := time.Now().Add(24 * time.Hour)
	token, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"skypeid": "acs:" + h.resource.String() + "_" + id.String(), "exp": expires.Unix(),
	}).SignedString(h.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]string{"token": token, "expiresOn": expires.UTC().Format(time.RFC3339)})
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) {
	id, err := guid.Parse(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var issued int64
	err = h.store.Read(r.Context(), func(q store.Querier) error {
		return q.QueryRow("SELECT last_token_issued_at FROM users WHERE resource_id = $1 AND id = $2", h.resource[:], id[:]).Scan(&issued)
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]string{"id": id.String(), "lastTokenIssuedAt": time.UnixMilli(issued).UTC().Format(time.RFC3339)})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	// A client that is gone notices by itself.
	_ = json.NewEncoder(w).Encode(body)
}
