package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// recorder writes exchanges as lines of JSON, without what is secret in them.
type recorder struct {
	logger *slog.Logger

	mu  sync.Mutex
	out io.Writer
}

// recordedHeaders are those of answers that the contract speaks of.
func recordedHeaders() []string {
	return []string{
		acswire.HeaderSupportedVersions, acswire.HeaderErrorCode, acswire.HeaderContentType, acswire.HeaderLocation,
		acswire.HeaderOperationLocation, acswire.HeaderAsyncOperation, acswire.HeaderRetryAfter,
		acswire.HeaderDeprecation, acswire.HeaderSunset,
	}
}

func (r *recorder) record(x front.Exchange) {
	if x.Operation.ID == "" {
		return
	}
	line := acswire.RecordedExchange{
		Area: x.Operation.Area.String(), Operation: x.Operation.ID, Version: x.Version.String(), Contract: x.Contract.String(),
		Method: x.Operation.Method, Route: x.Operation.Route, Status: x.Status, Header: map[string]string{},
		UserAgent: x.Request.UserAgent(),
	}
	for _, name := range recordedHeaders() {
		if value := x.Header.Get(name); value != "" {
			line.Header[name] = value
		}
	}
	if len(x.Body) > 0 {
		line.Body = withoutSecrets(x.Body)
	}
	data, err := json.Marshal(line)
	if err == nil {
		r.mu.Lock()
		_, err = r.out.Write(append(data, '\n'))
		r.mu.Unlock()
	}
	if err != nil {
		r.logger.Warn("exchange not recorded", "error", err)
	}
}

// withoutSecrets replaces tokens and keys in a body; what is no JSON is left out.
func withoutSecrets(body []byte) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	data, err := json.Marshal(redact(value))
	if err != nil {
		return nil
	}
	return data
}

func redact(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = redact(v[i])
		}
	case map[string]any:
		for name, member := range v {
			if _, text := member.(string); text && secret(name) {
				v[name] = "(redacted)"
				continue
			}
			v[name] = redact(member)
		}
	}
	return value
}

// secret tells whether a member of that name is one.
func secret(name string) bool {
	name = strings.ToLower(name)
	return name == "token" || strings.HasSuffix(name, "key") || strings.HasSuffix(name, "connectionstring")
}
