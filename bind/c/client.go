package main

// #include "bridge.h"
import "C"

import (
	"errors"
	"runtime"
	"strings"
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

//export parley_usage
func parley_usage(heap *C.int64_t, goroutines, handles *C.int32_t) C.int32_t {
	return result(func() error {
		if heap != nil {
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			*heap = C.int64_t(stats.HeapAlloc)
		}
		if goroutines != nil {
			*goroutines = C.int32_t(runtime.NumGoroutine())
		}
		if handles != nil {
			*handles = C.int32_t(objects.Len())
		}
		return nil
	})
}

//export parley_canceler_new
func parley_canceler_new(out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) { return add(mobile.NewCanceler(), nil, nil, 0) })
}

//export parley_canceler_cancel
func parley_canceler_cancel(canceler C.parley_handle) C.int32_t {
	return do(canceler, func(c *mobile.Canceler) error {
		c.Cancel()
		return nil
	})
}

// maxToken is the room that a program gets for a token.
const maxToken = 64 << 10

// refresher asks a program for tokens.
type refresher struct{ callbacks *callbacks }

// errNoToken is a program without a token, and one that was told to give none
// any more.
var errNoToken = errors.New("the program gave no token")

// RefreshToken implements mobile.TokenRefresher.
func (r *refresher) RefreshToken() (token string, err error) {
	err = errNoToken
	r.callbacks.call(func(memory unsafe.Pointer) {
		room := (*C.char)(C.calloc(1, maxToken))
		defer C.free(unsafe.Pointer(room))
		if C.bridge_refresh(memory, room, maxToken-1) < 0 {
			return
		}
		// A callback that threw looks in some languages like one that returned 0.
		if token = strings.TrimSpace(C.GoString(room)); token != "" {
			err = nil
		}
	})
	return token, err
}

//export parley_credential_new
func parley_credential_new(token C.in_text, from C.in_credential_callbacks, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		given, err := read(token)
		if err != nil {
			return 0, err
		}
		c, err := takeCallbacks(unsafe.Pointer(from), C.sizeof_parley_credential_callbacks)
		if err != nil {
			return 0, err
		}
		var credential *mobile.Credential
		if c == nil {
			credential, err = mobile.NewCredential(given)
		} else {
			credential, err = mobile.NewRefreshingCredential(given, &refresher{callbacks: c})
		}
		if err != nil {
			c.drop()
			return 0, err
		}
		return add(credential, (*mobile.Credential).Close, c, 0)
	})
}

// logListener gives log lines to a program.
type logListener struct{ callbacks *callbacks }

// OnLog implements mobile.LogListener.
func (l *logListener) OnLog(level int32, line string) {
	l.callbacks.call(func(memory unsafe.Pointer) {
		var a arena
		defer a.free()
		C.bridge_log(memory, C.int32_t(level), a.text(line))
	})
}

//export parley_client_new
func parley_client_new(from C.in_client_options, log C.in_log_callbacks, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		given, err := options[C.parley_client_options](from)
		if err != nil {
			return 0, err
		}
		var t texts
		o := &mobile.ClientOptions{
			Endpoint: t.read(given.endpoint), RootCertificates: t.read(given.root_certificates), UserAgent: t.read(given.user_agent),
			AllowPlainHTTP: given.allow_plain_http != 0, RelayOnly: given.relay_only != 0,
			AudioBitrate: int32(given.audio_bitrate), MaxVideoBitrate: int32(given.max_video_bitrate),
			TimeLimit: int64(given.time_limit), MemoryLimit: int64(given.memory_limit), GCPercent: int32(given.gc_percent),
		}
		if t.err != nil {
			return 0, t.err
		}
		c, err := takeCallbacks(unsafe.Pointer(log), C.sizeof_parley_log_callbacks)
		if err != nil {
			return 0, err
		}
		if c != nil {
			o.Log = &logListener{callbacks: c}
		}
		client, err := mobile.NewClient(o)
		if err != nil {
			c.drop()
			return 0, err
		}
		return add(client, (*mobile.Client).Close, c, 0)
	})
}

//export parley_client_shutdown
func parley_client_shutdown(client C.parley_handle) C.int32_t {
	return do(client, (*mobile.Client).Shutdown)
}

//export parley_audio_write
func parley_audio_write(client C.parley_handle, pcm C.in_data, size C.size_t) C.int32_t {
	// Without closures: the audio thread allocates nothing.
	c, err := find[*mobile.Client](client)
	if err != nil {
		return fail(err)
	}
	data, err := memoryOf(unsafe.Pointer(pcm), size)
	if err != nil {
		return fail(err)
	}
	return moved(c.Audio().WritePCM(data))
}

//export parley_audio_read
func parley_audio_read(client C.parley_handle, pcm unsafe.Pointer, size C.size_t) C.int32_t {
	c, err := find[*mobile.Client](client)
	if err != nil {
		return fail(err)
	}
	data, err := memoryOf(pcm, size)
	if err != nil {
		return fail(err)
	}
	return moved(c.Audio().ReadPCM(data))
}

// moved turns what the audio took or gave into a result.
func moved(n int32) C.int32_t {
	if n < 0 {
		return fail(&refused{code: -n, message: "the size of audio must be even"})
	}
	return C.int32_t(n)
}

//export parley_audio_interrupt
func parley_audio_interrupt(client C.parley_handle, interrupted C.int32_t) C.int32_t {
	return do(client, func(c *mobile.Client) error {
		if interrupted != 0 {
			c.Audio().BeginInterruption()
		} else {
			c.Audio().EndInterruption()
		}
		return nil
	})
}

//export parley_audio_flush
func parley_audio_flush(client C.parley_handle) C.int32_t {
	return do(client, func(c *mobile.Client) error {
		c.Audio().RouteChanged()
		return nil
	})
}
