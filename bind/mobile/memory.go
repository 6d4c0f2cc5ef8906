package mobile

import (
	"runtime/debug"

	// The library's threads wake up a tenth as often.
	_ "github.com/parley-rtc/parley/bind/internal/slack"
)

const (
	defaultMemoryLimit = 48 << 20
	defaultGCPercent   = 50
)

// limitMemory sets the limits of ClientOptions.
func limitMemory(limit int64, percent int32) {
	if limit == 0 {
		limit = defaultMemoryLimit
	}
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	if percent == 0 {
		percent = defaultGCPercent
	}
	if percent > 0 {
		debug.SetGCPercent(int(percent))
	}
}
