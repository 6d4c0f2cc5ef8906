package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// trimEvery is how long nothing may have been collected for the service to
// count as quiet.
const trimEvery = 5 * time.Second

// trim gives memory back to the system whenever a busy time is over: the
// runtime by itself would hold what thousands of handshakes needed for minutes.
// It ends with the context.
func trim(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	seen, trimmed := collections(), uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := collections()
		if now == seen && now != trimmed {
			debug.FreeOSMemory()
			now = collections()
			trimmed = now
		}
		seen = now
	}
}

// collections counts the garbage collections of this process.
func collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
