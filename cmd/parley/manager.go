package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server"
)

const (
	// askTime limits a request to a service that runs: it may have to ask a
	// webhook's endpoint first.
	askTime   = 45 * time.Second
	maxAnswer = 32 << 20
)

// askService sends a request of whoever runs the service, and returns the body
// of an answer of success. body is written as JSON; nil is none.
func askService(ctx context.Context, file, method, path string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var data []byte
	err := converse(ctx, file, method, path, body, func(answer io.Reader) (err error) {
		data, err = io.ReadAll(io.LimitReader(answer, maxAnswer))
		return err
	})
	return data, err
}

// converse is askService for an answer that is taken as it comes.
func converse(ctx context.Context, file, method, path string, body any, take func(answer io.Reader) error) error {
	c, client, err := manager(file)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.ARMEndpoint, "/")+path, content)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set(acswire.HeaderAuthorization, "Bearer "+c.ARMToken)
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the service does not answer (is it running?): %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		if err := take(resp.Body); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	var refused acswire.ErrorResponse
	if json.Unmarshal(data, &refused) == nil && refused.Error.Message != "" {
		return fmt.Errorf("the service refused: %s", refused.Error.Message)
	}
	return fmt.Errorf("the service refused: %s", resp.Status)
}

// manager reads connection.json and returns a client that trusts the service.
func manager(file string) (*server.Connection, *http.Client, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("connection file: %w", err)
	}
	c := &server.Connection{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, nil, fmt.Errorf("connection file %s: %w", file, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, nil, fmt.Errorf("certificate authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, nil, errors.New("the certificate authority's file holds no certificate")
		}
	}
	return c, &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}
