package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-rtc/parley/server/guid"
)

// Schema is how events are written.
type Schema string

// Schemas of events; the first two have the names that Event Grid has for them.
const (
	// SchemaEventGrid is an array with one event of Event Grid's own schema.
	SchemaEventGrid Schema = "EventGridSchema"
	// SchemaCloudEvents is one event of CloudEvents 1.0 in the structured mode.
	SchemaCloudEvents Schema = "CloudEventSchemaV1_0"
	// SchemaCallback is an array with one event of CloudEvents 1.0, as the
	// callbacks of call automation.
	SchemaCallback Schema = "CloudEventCallback"
)

// ErrEvent says that an event cannot be sent.
var ErrEvent = errors.New("webhook: event")

const (
	// maxEvent bounds an event, as Event Grid does.
	maxEvent        = 1 << 20
	dataVersion     = "1.0"
	metadataVersion = "1"
	specVersion     = "1.0"
)

// Event is something that happened.
type Event struct {
	// ID is unique for its source; empty draws one.
	ID string `json:"id"`
	// ResourceID is whose event it is; the zero value is nobody's, and reaches no
	// subscription.
	ResourceID guid.GUID `json:"-"`
	// Source is the path of the resource in the resource manager.
	Source string `json:"source"`
	// Subject is what it is about, and Type what happened.
	Subject string `json:"subject"`
	Type    string `json:"type"`
	// Time is when; zero is now.
	Time time.Time `json:"time"`
	// Data is JSON.
	Data json.RawMessage `json:"data"`
	// DataVersion is that of the data's own schema; empty is "1.0".
	DataVersion string `json:"dataVersion,omitempty"`
	// Queue names events of a resource that a receiver gets in order; empty is an
	// event without order.
	Queue string `json:"-"`
	// Position orders the events of a queue; 0 is the order of publishing, which
	// costs a look at the queue.
	Position int64 `json:"-"`
}

// complete fills what may be left out and checks the rest.
func (e *Event) complete(now time.Time) error {
	if e.ID == "" {
		e.ID = guid.New().String()
	}
	if e.Time.IsZero() {
		e.Time = now
	}
	e.Time = e.Time.UTC()
	if e.DataVersion == "" {
		e.DataVersion = dataVersion
	}
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("{}")
	}
	if e.Type == "" || !json.Valid(e.Data) || !utf8.Valid(e.Data) || len(e.Data) > maxEvent {
		return fmt.Errorf("%w: it needs a type and data of JSON, no more than a megabyte", ErrEvent)
	}
	for _, text := range []string{e.ID, e.Source, e.Subject, e.Type, e.Queue} {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\n") {
			return fmt.Errorf("%w: a text has characters that no header or database keeps", ErrEvent)
		}
	}
	return nil
}

type gridEvent struct {
	ID              string          `json:"id"`
	Topic           string          `json:"topic"`
	Subject         string          `json:"subject"`
	Data            json.RawMessage `json:"data"`
	EventType       string          `json:"eventType"`
	DataVersion     string          `json:"dataVersion"`
	MetadataVersion string          `json:"metadataVersion"`
	EventTime       string          `json:"eventTime"`
}

type cloudEvent struct {
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"` // CloudEvents 1.0, 3.1: not empty if there
	Time        string          `json:"time"`
	SpecVersion string          `json:"specversion"`
	Data        json.RawMessage `json:"data"`
}

// envelope writes an event in a schema and says what that is.
func envelope(e *Event, schema Schema) (body []byte, contentType string, err error) {
	at := e.Time.Format("2006-01-02T15:04:05.0000000Z07:00")
	cloud := cloudEvent{
		ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Time: at, SpecVersion: specVersion, Data: e.Data,
	}
	switch schema {
	case SchemaEventGrid:
		body, err = json.Marshal([]gridEvent{{
			ID: e.ID, Topic: e.Source, Subject: e.Subject, Data: e.Data, EventType: e.Type,
			DataVersion: e.DataVersion, MetadataVersion: metadataVersion, EventTime: at,
		}})
		return body, "application/json; charset=utf-8", err
	case SchemaCloudEvents:
		body, err = json.Marshal(cloud)
		return body, "application/cloudevents+json; charset=utf-8", err
	case SchemaCallback:
		body, err = json.Marshal([]cloudEvent{cloud})
		return body, "application/cloudevents-batch+json; charset=utf-8", err
	}
	return nil, "", fmt.Errorf("%w: no schema is named %q", ErrEvent, schema)
}
