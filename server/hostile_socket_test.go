package server_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// TestHostile_Slow holds connections with requests that never end: they are
// cut off, and nobody else waits for them.
func TestHostile_Slow(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{RequestTimeouts: server.RequestTimeouts{
		Header: 300 * time.Millisecond, Read: 600 * time.Millisecond, Idle: 300 * time.Millisecond,
	}})
	hash := sha256.Sum256(make([]byte, 1000))
	head := h.head("POST", createTarget, hash[:], "Content-Length: 1000\r\n")
	var wg sync.WaitGroup
	for i := range 60 {
		var begin string
		switch i % 4 {
		case 0: // a header that never ends
			begin = "POST /identities HTTP/1.1\r\nHost: x\r\nX: "
		case 1: // headers without end
			begin = "GET /"
		case 2: // a body that never comes whole
			begin = head
		case 3: // nothing at all
		}
		conn := h.dial(i%2 == 1 && i%4 == 1)
		wg.Go(func() {
			stop := make(chan struct{})
			defer close(stop)
			go trickle(conn, begin, stop)
			a := readAnswer(t, conn)
			switch {
			case i%4 == 2:
				a.wants(t, "a slow body", http.StatusRequestTimeout, "RequestTimeout")
			case a != nil && a.StatusCode != http.StatusRequestTimeout && a.StatusCode != http.StatusBadRequest:
				t.Errorf("%d: answered %d", i, a.StatusCode)
			}
		})
	}
	// Meanwhile others are served.
	for range 20 {
		if a := h.post("/identities", ""); a.StatusCode != http.StatusCreated {
			t.Errorf("meanwhile: %d %s", a.StatusCode, a.body)
		}
	}
	wg.Wait()
}

// TestHostile_NeverReads asks over HTTP/2 and lets nothing of the answer in:
// the request is given up instead of waiting for ever.
func TestHostile_NeverReads(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{RequestTimeouts: server.RequestTimeouts{Write: 500 * time.Millisecond}})
	addr := strings.TrimPrefix(h.conn.Endpoint, "https://")
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool(t, h.conn), NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	fields := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", addr}, {":path", "/metrics"}} {
		if err := fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("the stream was not given up: %v", err)
		}
		if _, ok := frame.(*http2.RSTStreamFrame); ok {
			return
		}
		if d, ok := frame.(*http2.DataFrame); ok && len(d.Data()) > 0 {
			t.Fatal("more was sent than let in")
		}
	}
}

// trickle writes a byte now and then until it is stopped or cut off.
func trickle(conn net.Conn, begin string, stop chan struct{}) {
	if _, err := io.WriteString(conn, begin); err != nil || begin == "" {
		return
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := conn.Write([]byte("a")); err != nil {
				return
			}
		case <-stop:
			return
		}
	}
}

// TestHostile_Protocol breaks HTTP itself.
func TestHostile_Protocol(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	empty := sha256.Sum256(nil)
	good := h.head("POST", createTarget, empty[:], "")
	for name, text := range map[string]string{
		"two lengths":                      strings.Replace(good, "\r\n\r\n", "\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", 1),
		"a length that is none":            strings.Replace(good, "\r\n\r\n", "\r\nContent-Length: -1\r\n\r\n", 1),
		"a huge length":                    strings.Replace(good, "\r\n\r\n", "\r\nContent-Length: 99999999999999999999\r\n\r\n", 1),
		"two hosts":                        strings.Replace(good, "\r\n\r\n", "\r\nHost: evil.example\r\n\r\n", 1),
		"no host":                          strings.Replace(good, "Host: "+h.host()+"\r\n", "", 1),
		"an unknown transfer coding":       strings.Replace(good, "\r\n\r\n", "\r\nTransfer-Encoding: zip\r\n\r\n", 1),
		"a host with a space":              strings.Replace(good, "Host: "+h.host(), "Host: a b", 1),
		"a header without name":            strings.Replace(good, "\r\n\r\n", "\r\n: x\r\n\r\n", 1),
		"a header with a space in it":      strings.Replace(good, "\r\n\r\n", "\r\nA B: x\r\n\r\n", 1),
		"a zero byte in a header":          strings.Replace(good, "\r\n\r\n", "\r\nA: \x00\r\n\r\n", 1),
		"a method that is none":            strings.Replace(good, "POST ", "PO ST ", 1),
		"no version":                       "GET /\r\n\r\n",
		"another protocol":                 "SSH-2.0-x\r\n\r\n",
		"TLS on the plain port":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"a header of 1 MB":                 strings.Replace(good, "\r\n\r\n", "\r\nA: "+strings.Repeat("a", 1<<20)+"\r\n\r\n", 1),
		"a path of 1 MB":                   "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"HTTP/2 without TLS, cut off":      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"a path that is not percent-coded": "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"an asterisk":                      "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"CONNECT":                          "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := h.dial(false)
			go func() {
				_, _ = io.WriteString(conn, text)
				if c, ok := conn.(*net.TCPConn); ok {
					_ = c.CloseWrite()
				}
			}()
			if a := readAnswer(t, conn); a != nil && (a.StatusCode < 400 || a.StatusCode == http.StatusInternalServerError) && name != "an asterisk" {
				t.Errorf("answered %d %s", a.StatusCode, a.body)
			}
		})
	}
	t.Run("plain HTTP on the encrypted port", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.conn.Endpoint, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, conn); a != nil && a.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", a.StatusCode)
		}
	})
}

// TestHostile_DoubledPort sends the Host header that older SDKs make, over both
// ports and both versions of HTTP.
func TestHostile_DoubledPort(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	for name, transport := range map[string]*http.Transport{
		"HTTP/1.1": {TLSClientConfig: &tls.Config{RootCAs: pool(t, h.conn), NextProtos: []string{"http/1.1"}}},
		"HTTP/2":   {TLSClientConfig: &tls.Config{RootCAs: pool(t, h.conn)}, ForceAttemptHTTP2: true},
	} {
		for _, endpoint := range []string{h.conn.Endpoint, h.conn.HTTPEndpoint} {
			t.Run(name+" "+endpoint[:5], func(t *testing.T) {
				defer transport.CloseIdleConnections()
				req, err := http.NewRequest(http.MethodPost, endpoint+createTarget, nil)
				if err != nil {
					t.Fatal(err)
				}
				host := req.URL.Host
				req.Host = host + host[strings.LastIndexByte(host, ':'):]
				if err := acswire.Sign(req, h.key(), nil, time.Now()); err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(req.Host, host+":") {
					t.Fatalf("the host became %s", req.Host)
				}
				resp, err := (&http.Client{Transport: transport}).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != http.StatusCreated {
					t.Errorf("status %d, %s", resp.StatusCode, resp.Proto)
				}
				if strings.HasPrefix(endpoint, "https") && !strings.HasPrefix(resp.Proto, name) {
					t.Errorf("protocol %s, want %s", resp.Proto, name)
				}
			})
		}
	}
}
