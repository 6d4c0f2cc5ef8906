package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/transport"
)

func FuzzParseData(f *testing.F) {
	f.Add([]byte{0, 7, 0, 0, 0, 1, 'o', 'k'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 0, 0, 1})
	f.Add([]byte{0, 1, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 0})
	f.Fuzz(func(t *testing.T, message []byte) {
		m, err := parseData(transport.Reliable, message)
		if err != nil {
			if !errors.Is(err, errProtocol) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if m.channelID < MinDataChannelID || m.channelID > MaxDataChannelID || m.sequence == 0 || len(m.data) > MaxDataMessageSize {
			t.Fatalf("taken: channel %d, #%d, %d bytes", m.channelID, m.sequence, len(m.data))
		}
		again := binary.BigEndian.AppendUint16(nil, uint16(m.channelID)) //nolint:gosec // checked above
		again = binary.BigEndian.AppendUint32(again, m.sequence)
		if !bytes.Equal(append(again, m.data...), message) {
			t.Fatal("a message that was taken does not survive")
		}
	})
}

func TestPacer(t *testing.T) {
	now := time.Unix(1000, 0)
	p := pacer{rate: 8000} // 1000 bytes a second
	if d := p.delay(now, 1000); d != 0 {
		t.Errorf("the first second's worth waits %v", d)
	}
	if d := p.delay(now, 500); d != 500*time.Millisecond {
		t.Errorf("half a second's worth more waits %v", d)
	}
	if d := p.delay(now.Add(time.Hour), 1000); d != 0 {
		t.Errorf("after a pause a second's worth waits %v", d)
	}
	if d := p.delay(now.Add(time.Hour), 1000); d != time.Second {
		t.Errorf("a pause of an hour saves up more than a second's worth: wait %v", d)
	}
}

func TestSplitBitrate(t *testing.T) {
	const want, maxVideo = 40_000, 2_500_000
	for name, c := range map[string]struct {
		total           int
		video           bool
		audio, forVideo int
	}{
		"unknown, audio only":  {0, false, 40_000, 0},
		"unknown, with video":  {0, true, 40_000, startVideoBitrate},
		"plenty, audio only":   {1_000_000, false, 40_000, 0},
		"plenty, with video":   {1_000_000, true, 40_000, (1_000_000 - packetOverhead - 40_000) * 9 / 10},
		"more than video uses": {9_000_000, true, 40_000, maxVideo},
		"little, audio only":   {packetOverhead + 20_000, false, 20_000, 0},
		"little, with video":   {packetOverhead + 30_000, true, 20_000, 9_000},
		"next to nothing":      {1_000, true, minAudioBitrate, 0},
		"negative":             {-5, false, 40_000, 0},
	} {
		audio, video := splitBitrate(c.total, want, maxVideo, c.video)
		if audio != c.audio || video != c.forVideo {
			t.Errorf("%s: audio %d, video %d; want %d and %d", name, audio, video, c.audio, c.forVideo)
		}
	}
	if audio, _ := splitBitrate(1_000, 6_000, maxVideo, false); audio != 6_000 {
		t.Errorf("an app that wants 6 kbit/s gets %d", audio)
	}
}

func TestRateControl_Loss(t *testing.T) {
	var r rateControl
	if got := r.report(0.2); got != 0.2 {
		t.Errorf("a rise is followed to %v", got)
	}
	last := 0.2
	for range 100 {
		got := r.report(0)
		if got > last {
			t.Fatalf("the loss rises from %v to %v without a loss", last, got)
		}
		last = got
	}
	if last != 0 {
		t.Errorf("the loss never ends: %v", last)
	}
}

func TestVideoGate_IsBounded(t *testing.T) {
	var g videoGate
	for range 10 * maxEarlyVideo {
		g.push(nil)
	}
	if len(g.queue) != maxEarlyVideo {
		t.Errorf("%d packets wait", len(g.queue))
	}
	g.close()
	g.push(nil)
	if len(g.queue) != 0 {
		t.Error("a closed gate keeps packets")
	}
}

func TestWithoutDoubles(t *testing.T) {
	urls := []string{
		"turn:192.0.2.1:3478?transport=udp", "stun:192.0.2.1:3478", "stun:192.0.2.2:3478", "turns:192.0.2.2:443?transport=tcp",
	}
	want := []string{"turn:192.0.2.1:3478?transport=udp", "stun:192.0.2.2:3478", "turns:192.0.2.2:443?transport=tcp"}
	if got := withoutDoubles(urls); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if len(urls) != 4 || urls[1] != "stun:192.0.2.1:3478" {
		t.Error("the list of the service was changed")
	}
}
