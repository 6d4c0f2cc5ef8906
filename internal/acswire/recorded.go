package acswire

import "encoding/json"

// RecordedExchange is one request and its answer as a recording has it: a JSON
// object on a line. Secrets in it are replaced.
type RecordedExchange struct {
	Area      string `json:"area"`
	Operation string `json:"operation"`
	// Version is the api-version asked for, Contract the one that answered.
	Version  string            `json:"version"`
	Contract string            `json:"contract"`
	Method   string            `json:"method"`
	Route    string            `json:"route"`
	Status   int               `json:"status"`
	Header   map[string]string `json:"header,omitempty"`
	Body     json.RawMessage   `json:"body,omitempty"`
	// UserAgent is how the client named itself.
	UserAgent string `json:"userAgent,omitempty"`
}
