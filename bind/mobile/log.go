package mobile

import (
	"context"
	"log/slog"
	"strings"
)

// Levels of log lines.
const (
	// LogLevelDebug is detail.
	LogLevelDebug int32 = -4
	// LogLevelInfo is what happens in ordinary use.
	LogLevelInfo int32 = 0
	// LogLevelWarn is what may need a look.
	LogLevelWarn int32 = 4
	// LogLevelError is a failure, also a panic that was caught.
	LogLevelError int32 = 8
)

// LogListener takes log lines. OnLog may be called from several threads at
// once. Lines hold no tokens and nothing that was written or said.
type LogListener interface {
	OnLog(level int32, line string)
}

// logHandler gives log lines to the listener.
type logHandler struct {
	log   *slot[LogListener]
	attrs string
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(context.Context, slog.Level) bool {
	_, ok := h.log.get()
	return ok
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	listener, ok := h.log.get()
	if !ok {
		return nil
	}
	// What the log listener throws has nowhere to go.
	defer quiet()
	var line strings.Builder
	line.WriteString(r.Message)
	line.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(" " + a.String())
		return true
	})
	listener.OnLog(int32(r.Level), line.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &logHandler{log: h.log, attrs: h.attrs}
	for _, a := range attrs {
		with.attrs += " " + a.String()
	}
	return with
}

// WithGroup implements slog.Handler; groups are left out.
func (h *logHandler) WithGroup(string) slog.Handler { return h }
