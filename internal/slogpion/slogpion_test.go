package slogpion_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/parley-rtc/parley/internal/slogpion"
	"github.com/pion/logging"
)

// recorder keeps what it is given.
type recorder struct {
	min     slog.Level
	lines   *[]line
	current []slog.Attr
}

type line struct {
	level slog.Level
	text  string
	scope string
}

func (r recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= r.min }

func (r recorder) Handle(_ context.Context, record slog.Record) error {
	l := line{level: record.Level}
	for _, a := range r.current {
		if a.Key == "scope" {
			l.scope = a.Value.String()
		}
	}
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "text" {
			l.text = a.Value.String()
		}
		return true
	})
	*r.lines = append(*r.lines, l)
	return nil
}

func (r recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	r.current = append(append([]slog.Attr(nil), r.current...), attrs...)
	return r
}

func (r recorder) WithGroup(string) slog.Handler { return r }

func TestLevels(t *testing.T) {
	plain := []struct {
		name string
		log  func(logging.LeveledLogger)
		want slog.Level
	}{
		{"trace", func(l logging.LeveledLogger) { l.Trace("x 1") }, slogpion.LevelTrace},
		{"tracef", func(l logging.LeveledLogger) { l.Tracef("x %d", 1) }, slogpion.LevelTrace},
		{"debug", func(l logging.LeveledLogger) { l.Debug("x 1") }, slogpion.LevelDetail},
		{"debugf", func(l logging.LeveledLogger) { l.Debugf("x %d", 1) }, slogpion.LevelDetail},
		{"info", func(l logging.LeveledLogger) { l.Info("x 1") }, slog.LevelDebug},
		{"infof", func(l logging.LeveledLogger) { l.Infof("x %d", 1) }, slog.LevelDebug},
		{"warn", func(l logging.LeveledLogger) { l.Warn("x 1") }, slog.LevelInfo},
		{"warnf", func(l logging.LeveledLogger) { l.Warnf("x %d", 1) }, slog.LevelInfo},
		{"error", func(l logging.LeveledLogger) { l.Error("x 1") }, slog.LevelWarn},
		{"errorf", func(l logging.LeveledLogger) { l.Errorf("x %d", 1) }, slog.LevelWarn},
		{"closed", func(l logging.LeveledLogger) { l.Errorf("%v", io.ErrClosedPipe) }, slog.LevelDebug},
	}
	for _, c := range plain {
		t.Run(c.name, func(t *testing.T) {
			var lines []line
			l := slogpion.NewFactory(slog.New(recorder{min: slogpion.LevelTrace, lines: &lines})).NewLogger("ice")
			c.log(l)
			if len(lines) != 1 || lines[0].level != c.want || lines[0].scope != "ice" || lines[0].text == "" {
				t.Errorf("got %+v", lines)
			}
		})
	}
}

// counter counts how often it is turned into text.
type counter struct{ n *int }

func (c counter) String() string { *c.n++; return "" }

func TestUnwantedLinesAreNotFormatted(t *testing.T) {
	var lines []line
	var formatted int
	l := slogpion.NewFactory(slog.New(recorder{min: slog.LevelInfo, lines: &lines})).NewLogger("ice")
	l.Infof("%s", counter{&formatted})
	l.Tracef("%s", counter{&formatted})
	if formatted != 0 || len(lines) != 0 {
		t.Errorf("formatted %d, lines %v", formatted, lines)
	}
	l.Warnf("%s", counter{&formatted})
	if formatted != 1 || len(lines) != 1 {
		t.Errorf("formatted %d, lines %v", formatted, lines)
	}
}

func TestNilLoggerIsSilent(t *testing.T) {
	l := slogpion.NewFactory(nil).NewLogger("ice")
	var formatted int
	l.Errorf("%s", counter{&formatted})
	l.Error("x")
	if formatted != 0 {
		t.Error("a silent logger formats")
	}
}
