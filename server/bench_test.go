package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/server"
)

// percentiles reports durations as p50 and p99.
func percentiles(b *testing.B, name string, all []time.Duration) {
	slices.Sort(all)
	at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) }
	b.ReportMetric(at(0.5), name+"-p50-µs")
	b.ReportMetric(at(0.99), name+"-p99-µs")
}

// BenchmarkRing measures START → INCOMING → RINGING at the caller, agents in
// process (what the service costs) and over WebSockets with TLS.
func BenchmarkRing(b *testing.B) {
	for _, how := range []string{"in-process", "websocket"} {
		b.Run(how, func(b *testing.B) {
			srv := start(b, server.Options{})
			r := newREST(b, srv)
			dialer := srv.Dialer()
			from, fromToken := r.user()
			to, toToken := r.user()
			var caller, callee *agent
			if how == "websocket" {
				caller, callee = sign(b, srv, from, fromToken, "a"), sign(b, srv, to, toToken, "b")
			} else {
				caller, callee = signWith(b, dialer, from, fromToken, "a"), signWith(b, dialer, to, toToken, "b")
			}
			var incoming, ringing, ended []time.Duration
			for b.Loop() {
				id := callfsm.NewCallID()
				began := time.Now()
				caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: to, Media: callfsm.MediaAudio})
				m := callee.expect(id, callfsm.KindIncoming)
				incoming = append(incoming, time.Since(began))
				callee.send(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: m.Leg})
				caller.expect(id, callfsm.KindStarted)
				caller.expect(id, callfsm.KindRinging)
				ringing = append(ringing, time.Since(began))
				began = time.Now()
				caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.ReasonCancelled.Reason()})
				caller.expect(id, callfsm.KindEnded)
				callee.expect(id, callfsm.KindEnded)
				ended = append(ended, time.Since(began))
				// Agents may send 100 frames a second.
				time.Sleep(30 * time.Millisecond)
			}
			percentiles(b, "incoming", incoming)
			percentiles(b, "ringing", ringing)
			percentiles(b, "ended", ended)
		})
	}
}

// BenchmarkStart measures New on an empty folder and on a used one.
func BenchmarkStart(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			dir := b.TempDir()
			began := time.Now()
			srv, err := server.New(server.Options{DataDir: dir})
			took = append(took, time.Since(began))
			if err != nil {
				b.Fatal(err)
			}
			srv.Close()
		}
		percentiles(b, "ready", took)
	})
	b.Run("again", func(b *testing.B) {
		dir := b.TempDir()
		var took []time.Duration
		for b.Loop() {
			began := time.Now()
			srv, err := server.New(server.Options{DataDir: dir})
			took = append(took, time.Since(began))
			if err != nil {
				b.Fatal(err)
			}
			srv.Close()
		}
		percentiles(b, "ready", took)
	})
}

// BenchmarkCreateUserAndToken measures durable identity requests, also beside
// each other.
func BenchmarkCreateUserAndToken(b *testing.B) {
	srv := start(b, server.Options{})
	client := newREST(b, srv).client
	for _, parallel := range []int{1, 16} {
		b.Run(fmt.Sprint("connections=", parallel), func(b *testing.B) {
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, _, err := createUser(client, srv.Connection()); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
