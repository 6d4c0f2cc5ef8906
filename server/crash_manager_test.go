package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server"
)

const (
	managerVersion = "2025-09-01"
	// mostServices bounds the resources of a crash test: each has a listener.
	mostServices = 12
	// settleLimit is how long operations may take that a killed node had in
	// hand. Its next start takes them up at once.
	settleLimit = 60 * time.Second
)

// service is a resource and what is known for certain about it.
type service struct {
	name string
	// operation is the status link of the last long-running operation that was
	// answered, without its host.
	operation string
	going     bool   // its deletion was accepted
	doubt     bool   // a request was not answered
	key       string // the primary key of the last answer; empty: not known
	void      []string
}

// manager is a client of the resource manager.
type manager struct {
	conn server.Connection
	http *http.Client
}

func newManager(conn server.Connection) (*manager, error) {
	pem, err := os.ReadFile(conn.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in the CA file")
	}
	return &manager{conn, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}}, nil
}

func (m *manager) close() { m.http.CloseIdleConnections() }

func (m *manager) path(name string) string {
	return "/subscriptions/" + m.conn.SubscriptionID + "/resourceGroups/crash/providers/Microsoft.Communication/communicationServices/" + name
}

// do sends a request; a path without a query gets the version.
func (m *manager) do(method, path, body string, answer any) (*http.Response, error) {
	if !strings.Contains(path, "?") {
		path += "?api-version=" + managerVersion
	}
	req, err := http.NewRequest(method, strings.TrimSuffix(m.conn.ARMEndpoint, "/")+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+m.conn.ARMToken)
	resp, err := m.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return resp, &refusal{resp.StatusCode, string(data)}
	}
	if answer == nil || len(data) == 0 {
		return resp, nil
	}
	return resp, json.Unmarshal(data, answer)
}

// begin sends a request that begins a long-running operation.
func (m *manager) begin(s *service, method, body string) error {
	s.doubt = true
	resp, err := m.do(method, m.path(s.name), body, nil)
	if err != nil {
		return err
	}
	s.doubt = false
	s.operation = ""
	if link := resp.Header.Get(acswire.HeaderAsyncOperation); link != "" {
		u, err := url.Parse(link)
		if err != nil {
			return err
		}
		s.operation = u.RequestURI()
	}
	return nil
}

// manage makes, changes and deletes resources until the service is gone.
func (w *crash) manage(r *rand.Rand, conn server.Connection, began func()) {
	defer began()
	m, err := newManager(conn)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer m.close()
	for {
		s, err := w.manageOnce(r, m)
		if err != nil {
			refused, _ := errors.AsType[*refusal](err)
			// Work on it is not done yet: ARM's answer is 409.
			if refused == nil {
				return // the service is gone
			}
			if s.doubt = false; refused.status != http.StatusConflict {
				w.t.Errorf("%s: %v", s.name, err)
				return
			}
			continue
		}
		w.answers.Add(1)
		began()
	}
}

func (w *crash) manageOnce(r *rand.Rand, m *manager) (*service, error) {
	certain := slices.DeleteFunc(slices.Clone(w.services), func(s *service) bool { return s.going || s.doubt })
	if len(certain) == 0 || len(certain) < mostServices && r.IntN(4) == 0 {
		s := &service{name: fmt.Sprintf("crash-%d", r.Uint64())}
		w.services = append(w.services, s)
		return s, m.begin(s, http.MethodPut, `{"location":"global","properties":{"dataLocation":"Europe"}}`)
	}
	s := certain[r.IntN(len(certain))]
	if r.IntN(4) == 0 || len(certain) == mostServices {
		err := m.begin(s, http.MethodDelete, "")
		s.going = err == nil
		return s, err
	}
	before := s.key
	s.key = "" // either, if there is no answer
	var keys acswire.CommunicationServiceKeys
	if _, err := m.do(http.MethodPost, m.path(s.name)+"/regenerateKey", `{"keyType":"Primary"}`, &keys); err != nil {
		if _, refused := errors.AsType[*refusal](err); refused {
			s.key = before
		}
		return s, err
	}
	s.key = *keys.PrimaryKey
	if before != "" {
		s.void = append(s.void, before)
	}
	return s, nil
}

// checkServices looks for the resources; with settled all operations must come
// to their end.
func (w *crash) checkServices(srv *server.Server, settled bool) error {
	m, err := newManager(srv.Connection())
	if err != nil {
		return err
	}
	defer m.close()
	for _, s := range w.services {
		if settled {
			if err := m.settle(s); err != nil {
				return err
			}
		}
		if s.doubt {
			continue
		}
		var res acswire.CommunicationServiceResource
		_, err := m.do(http.MethodGet, m.path(s.name), "", &res)
		refused, _ := errors.AsType[*refusal](err)
		switch {
		case s.going && settled && (refused == nil || refused.status != http.StatusNotFound):
			return fmt.Errorf("%s was deleted and is there: %w", s.name, err)
		case s.going:
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := m.checkKeys(s); err != nil {
			return err
		}
	}
	w.services = slices.DeleteFunc(w.services, func(s *service) bool { return s.going && s.operation == "" })
	return nil
}

// checkKeys looks for the key that was answered last, and for none before it.
func (m *manager) checkKeys(s *service) error {
	var keys acswire.CommunicationServiceKeys
	if _, err := m.do(http.MethodPost, m.path(s.name)+"/listKeys", "", &keys); err != nil {
		refused, _ := errors.AsType[*refusal](err)
		if refused != nil && refused.status == http.StatusConflict {
			return nil // not made to its end yet
		}
		return fmt.Errorf("%s: keys: %w", s.name, err)
	}
	if s.key != "" && *keys.PrimaryKey != s.key {
		return fmt.Errorf("%s: the key that was answered is not there", s.name)
	}
	if slices.Contains(s.void, *keys.PrimaryKey) {
		return fmt.Errorf("%s: a key is back that was replaced", s.name)
	}
	return nil
}

// settle waits for the end of the last operation.
func (m *manager) settle(s *service) error {
	if s.operation == "" {
		return nil
	}
	for limit := time.Now().Add(settleLimit); ; <-time.After(20 * time.Millisecond) {
		var status acswire.AsyncOperationStatus
		_, err := m.do(http.MethodGet, s.operation, "", &status)
		switch {
		case err != nil:
			return fmt.Errorf("%s: status: %w", s.name, err)
		case *status.Status == acswire.ProvisioningStateSucceeded:
			s.operation = ""
			return nil
		case s.doubt && *status.Status == acswire.ProvisioningStateFailed:
			// A deletion that was not answered took effect before the work before
			// it was written down as done: that ends, honestly, as a conflict.
			s.operation = ""
			return nil
		case *status.Status == acswire.ProvisioningStateFailed, time.Now().After(limit):
			return fmt.Errorf("%s: the operation is stuck in %s (%v)", s.name, *status.Status, status.Error)
		}
	}
}
