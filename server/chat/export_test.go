package chat

import (
	"io"
	"time"
)

// WaitForGaps sets how long the streams of a hub wait for what was overtaken,
// before the first event.
func WaitForGaps(h *Hub, wait time.Duration) { h.gapWait = wait }

// Forget has a hub drop a stream as it does when there are many. It reports
// false while the stream is not quiet.
func Forget(h *Hub, thread string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[thread]
	return s != nil && h.dismiss(thread, s)
}

// Scaled makes the small view of a picture; empty when there is none.
func Scaled(data io.ReadSeeker) (kind string, size int64, err error) {
	kind, err = imageType(data)
	if err != nil {
		return "", 0, err
	}
	small, smallKind := shrink(kind, data)
	if small == nil {
		return "", 0, nil
	}
	return smallKind, small.Size(), nil
}

// Follows tells whether a hub has a stream of a thread.
func Follows(h *Hub, thread string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.streams[thread] != nil
}
