package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// trimEvery is how long little may have been allocated, and nothing collected,
	// for the service to count as quiet.
	trimEvery = 5 * time.Second
	// quietBytes, and an eighth of the heap, are little.
	quietBytes = 1 << 20
)

// heap is what the runtime tells of the heap.
type heap struct {
	// collections counts those of this process; allocated is all that was ever
	// allocated.
	collections, allocated uint64
	// live is what the last collection has left, objects what there is now.
	live, objects uint64
}

// little is how much may come together before it is worth a collection.
func (h *heap) little() uint64 { return quietBytes + h.live/8 }

// trim gives memory back to the system whenever a busy time is over: the
// runtime by itself would hold what thousands of handshakes needed for minutes.
// It ends with the context.
func trim(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	seen := readHeap()
	trimmed := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := readHeap()
		quiet := now.collections == seen.collections && now.allocated-seen.allocated <= now.little()
		garbage := now.objects > now.live+now.little()
		if quiet && (garbage || now.collections != trimmed) {
			debug.FreeOSMemory()
			now = readHeap()
			trimmed = now.collections
		}
		seen = now
	}
}

// collections counts the garbage collections of this process.
func collections() uint64 { return readHeap().collections }

func readHeap() (h heap) {
	into := []*uint64{&h.collections, &h.allocated, &h.live, &h.objects}
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(samples)
	for i := range samples {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			*into[i] = samples[i].Value.Uint64()
		}
	}
	return h
}
