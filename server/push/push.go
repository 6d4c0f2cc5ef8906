package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Platform is whose service reaches a device.
type Platform string

// Platforms.
const (
	// PlatformAPNs is Apple's.
	PlatformAPNs Platform = "apns"
	// PlatformFCM is Google's (Firebase Cloud Messaging).
	PlatformFCM Platform = "fcm"
)

// Kind is what a notification is about.
type Kind string

// Kinds of notifications.
const (
	KindChat Kind = "chat"
	KindCall Kind = "call"
)

// Notification is one for one device.
type Notification struct {
	// Token is that of the platform; VoIP tells that it is one for calls, Sandbox
	// that it is of APNs' development environment.
	Token         string
	VoIP, Sandbox bool

	Kind Kind
	// Title and Body are for people, where the platform shows them by itself.
	Title, Body string
	// Group puts notifications of one thread together.
	Group string
	// Data is for the app.
	Data map[string]string
	// Life is how long the platform should try.
	Life time.Duration
}

// Sender hands notifications to a platform. It may be called from any goroutine.
type Sender interface {
	// Send returns nil when the platform took the notification, an error that
	// wraps ErrGone when its token is good no more, a *LaterError when it may be
	// tried again, and any other error when that is no use.
	Send(ctx context.Context, n *Notification) error
}

// Errors of push.
var (
	// ErrGone says that a token is good no more.
	ErrGone = errors.New("push: the device is gone")
	// ErrDevice says that a registration cannot be taken as it is.
	ErrDevice = errors.New("push: device")
	// ErrNotFound says that there is no such registration.
	ErrNotFound = errors.New("push: not found")
	// ErrConfig says that a key or an account cannot be used.
	ErrConfig = errors.New("push: configuration")
)

// LaterError is a failure that may pass.
type LaterError struct {
	// After is how long the platform asks to wait; 0 is its silence about it.
	After  time.Duration
	Reason string
}

// Error returns the reason.
func (e *LaterError) Error() string { return "push: not now: " + e.Reason }

// encode writes a body without the escapes for pages of HTML: they would take
// six times the size.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// refused is an answer that trying again does not change.
func refused(status int, reason string) error {
	return fmt.Errorf("push: refused with %d %s", status, reason)
}
