// Package slogpion lets the libraries of the pion project log through log/slog.
package slogpion

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/pion/logging"
)

// The levels below slog's own, for the two finest levels of pion.
const (
	// LevelDetail is where pion's debug lines go.
	LevelDetail = slog.LevelDebug - 4
	// LevelTrace is where pion's trace lines go, one or more for each packet.
	LevelTrace = slog.LevelDebug - 8
)

// message is the same for every line: what happened is in the attributes.
const message = "media stack"

// NewFactory returns a factory whose loggers write to logger with the
// attributes "scope" and "text". Lines come one level lower than pion has
// them: its errors and warnings are things that a session copes with. A nil
// logger is silent.
func NewFactory(logger *slog.Logger) logging.LoggerFactory {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return factory{logger}
}

type factory struct{ logger *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (f factory) NewLogger(scope string) logging.LeveledLogger {
	return leveled{f.logger.With(slog.String("scope", scope))}
}

type leveled struct{ logger *slog.Logger }

func (l leveled) log(level slog.Level, text string) {
	ctx := context.Background()
	if l.logger.Enabled(ctx, level) {
		l.logger.LogAttrs(ctx, level, message, slog.String("text", text))
	}
}

// logf asks the handler before it formats: most lines are never wanted, and
// some are written once a packet.
func (l leveled) logf(level slog.Level, format string, args []any) {
	ctx := context.Background()
	if l.logger.Enabled(ctx, level) {
		l.logger.LogAttrs(ctx, level, message, slog.String("text", fmt.Sprintf(format, args...)))
	}
}

func (l leveled) Trace(msg string)                  { l.log(LevelTrace, msg) }
func (l leveled) Tracef(format string, args ...any) { l.logf(LevelTrace, format, args) }
func (l leveled) Debug(msg string)                  { l.log(LevelDetail, msg) }
func (l leveled) Debugf(format string, args ...any) { l.logf(LevelDetail, format, args) }
func (l leveled) Info(msg string)                   { l.log(slog.LevelDebug, msg) }
func (l leveled) Infof(format string, args ...any)  { l.logf(slog.LevelDebug, format, args) }
func (l leveled) Warn(msg string)                   { l.log(slog.LevelInfo, msg) }
func (l leveled) Warnf(format string, args ...any)  { l.logf(slog.LevelInfo, format, args) }
func (l leveled) Error(msg string)                  { l.log(errorLevel(msg), msg) }
func (l leveled) Errorf(format string, args ...any) {
	if l.logger.Enabled(context.Background(), slog.LevelWarn) {
		l.Error(fmt.Sprintf(format, args...))
	}
}

// errorLevel tells the errors that closing makes by itself from the others: a
// periodic report that is written while its session closes is no news.
func errorLevel(text string) slog.Level {
	for _, closed := range []string{io.ErrClosedPipe.Error(), net.ErrClosed.Error()} {
		if strings.Contains(text, closed) {
			return slog.LevelDebug
		}
	}
	return slog.LevelWarn
}
