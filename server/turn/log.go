package turn

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggerFactory hands warnings of the TURN library to slog and drops the rest:
// its debug messages come packet by packet.
type loggerFactory struct {
	logger *slog.Logger
}

func (f loggerFactory) NewLogger(string) logging.LeveledLogger { return warnings(f) }

type warnings struct {
	logger *slog.Logger
}

func (w warnings) Trace(string)              {}
func (w warnings) Tracef(string, ...any)     {}
func (w warnings) Debug(string)              {}
func (w warnings) Debugf(string, ...any)     {}
func (w warnings) Info(string)               {}
func (w warnings) Infof(string, ...any)      {}
func (w warnings) Warn(m string)             { w.logger.Warn("relay", "detail", m) }
func (w warnings) Error(m string)            { w.logger.Warn("relay", "detail", m) }
func (w warnings) Warnf(f string, a ...any)  { w.logger.Warn("relay", "detail", fmt.Sprintf(f, a...)) }
func (w warnings) Errorf(f string, a ...any) { w.logger.Warn("relay", "detail", fmt.Sprintf(f, a...)) }
