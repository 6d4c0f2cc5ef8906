package media

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

func TestPayloadVP9_FrameThatShowsAnother_IsNoKeyFrame(t *testing.T) {
	// Frame marker 2, profile 0, show_existing_frame, frame 3.
	frame := []byte{0b10001_011}
	payloads := newPayloader(codecVP9, 1000).payload(frame)
	if len(payloads) != 1 {
		t.Fatalf("%d payloads", len(payloads))
	}
	if h := payloadHead(codecVP9, payloads[0]); !h.start || h.key {
		t.Errorf("%+v", h)
	}
	data, _, err := depacketize(codecVP9, payloads)
	if err != nil || !bytes.Equal(data, frame) {
		t.Errorf("%x, %v", data, err)
	}
}

func TestPayloader_DamagedFrame_SendsNothing(t *testing.T) {
	for _, codec := range []string{codecVP8, codecVP9, codecAV1, codecH264, "H265"} {
		p := newPayloader(codec, 1000)
		for _, frame := range [][]byte{nil, {}} {
			if got := p.payload(frame); len(got) != 0 {
				t.Errorf("%s: %x", codec, got)
			}
		}
	}
	// Parameter sets alone do not leak into the next frame.
	p := newPayloader(codecH264, 1000)
	p.payload([]byte{0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3})
	if got := p.payload([]byte{0, 0, 0, 1, 0x41, 9}); len(got) != 1 || got[0][0] != 0x41 {
		t.Errorf("%x", got)
	}
}

func TestPayloader_H264KeyFrameWithoutParameterSets_GetsThem(t *testing.T) {
	sps, pps := []byte{0x67, 1, 2}, []byte{0x68, 3}
	first := []byte{0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 9}
	p := newPayloader(codecH264, 1000)
	p.payload(first)
	p.payload([]byte{0, 0, 1, 0x41, 8})
	payloads := p.payload([]byte{0, 0, 1, 0x65, 7})
	data, _, err := depacketize(codecH264, payloads)
	if err != nil || !bytes.Contains(data, sps) || !bytes.Contains(data, pps) || !bytes.HasSuffix(data, []byte{0x65, 7}) {
		t.Errorf("%x, %v", data, err)
	}
	if h := payloadHead(codecH264, payloads[0]); !h.start || !h.key {
		t.Errorf("%x: %+v", payloads[0], h)
	}
	// One that has them is left as it is, and so is one before they are known.
	for _, unit := range [][]byte{first, {0, 0, 1, 0x41, 8}} {
		if got := p.sets.complete(unit); !bytes.Equal(got, unit) {
			t.Errorf("%x", got)
		}
	}
	var none parameterSets
	if unit := []byte{0, 0, 1, 0x65, 7}; !bytes.Equal(none.complete(unit), unit) {
		t.Error("parameter sets out of nothing")
	}
}

func TestPayloadHead_EmptyAndUnknown_IsNothing(t *testing.T) {
	for _, codec := range []string{codecVP8, codecVP9, codecAV1, codecH264, "H265"} {
		if h := payloadHead(codec, nil); h != (head{}) {
			t.Errorf("%s: %+v", codec, h)
		}
	}
	if h := payloadHead("H265", []byte{1, 2, 3}); h != (head{}) {
		t.Errorf("%+v", h)
	}
	for want, b := range map[head][]byte{
		{start: true, key: true}: {0x78, 0, 4, 0x67, 1, 2, 3}, // an aggregate that begins with a sequence
		{}:                       {0x7c, 0x85, 1, 2},          // the first fragment of a key slice may be a later slice
	} {
		if h := payloadHead(codecH264, b); h != want {
			t.Errorf("%x: %+v", b, h)
		}
	}
}

func TestFreezeMeter_Durations_FollowTheDefinition(t *testing.T) {
	ms := time.Millisecond
	for name, test := range map[string]struct {
		steps   []time.Duration
		freezes uint64
		frozen  time.Duration
		pauses  uint64
	}{
		"steady":                   {repeat(40*ms, 50), 0, 0, 0},
		"just below average+150":   {append(repeat(40*ms, 30), 189*ms), 0, 0, 0},
		"just at average+150":      {append(repeat(40*ms, 30), 190*ms), 1, 190 * ms, 0},
		"slow video, below 3x":     {append(repeat(200*ms, 30), 599*ms), 0, 0, 0},
		"slow video, at 3x":        {append(repeat(200*ms, 30), 600*ms), 1, 600 * ms, 0},
		"the average is of 30":     {append(append(repeat(400*ms, 30), repeat(40*ms, 30)...), 190*ms), 1, 190 * ms, 0},
		"more than 5 s is a pause": {append(repeat(40*ms, 30), 5001*ms, 40*ms), 0, 0, 1},
		"the first is no freeze":   {[]time.Duration{3 * time.Second}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var m freezeMeter
			now := time.Unix(0, 0)
			m.frame(now)
			for _, step := range test.steps {
				now = now.Add(step)
				m.frame(now)
			}
			if m.freezes != test.freezes || m.frozen != test.frozen || m.pauses != test.pauses {
				t.Errorf("%d freezes of %v, %d pauses", m.freezes, m.frozen, m.pauses)
			}
			m.pause()
			m.frame(now.Add(time.Minute))
			if m.freezes != test.freezes || m.pauses != test.pauses {
				t.Error("a pause that was told counts")
			}
		})
	}
}

func repeat(d time.Duration, n int) []time.Duration {
	list := make([]time.Duration, n)
	for i := range list {
		list[i] = d
	}
	return list
}

func FuzzDepacketize(f *testing.F) {
	for i, codec := range []string{codecVP8, codecVP9, codecAV1, codecH264} {
		_ = codec
		f.Add(uint8(i), []byte{0x90, 0x80, 0x80, 1, 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, uint8(9))
		f.Add(uint8(i), []byte{0x78, 0, 4, 0x67, 1, 2, 3, 0, 1, 0x65}, uint8(3))
		f.Add(uint8(i), []byte{0x18, 0x0a, 1, 2, 3, 0x32, 1}, uint8(4))
		f.Add(uint8(i), []byte{0x8a, 0x80, 1, 0x18, 0, 64, 0, 48, 1, 0x14, 1, 0x82, 0x49, 0x83, 0x42}, uint8(20))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte, cut uint8) {
		codec := []string{codecVP8, codecVP9, codecAV1, codecH264}[which%4]
		var payloads [][]byte
		for size := int(cut) + 1; len(data) > 0; data = data[min(size, len(data)):] {
			payloads = append(payloads, data[:min(size, len(data)):min(size, len(data))])
		}
		for _, p := range payloads {
			payloadHead(codec, p)
		}
		frame, l, err := depacketize(codec, payloads)
		if err != nil {
			return
		}
		if len(frame) == 0 || l.spatial < 0 || l.temporal < 0 {
			t.Fatalf("%d bytes, %+v", len(frame), l)
		}
		p := inspect(codec, frame)
		if p.width < 0 || p.height < 0 {
			t.Fatalf("%+v", p)
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add(uint8(0), []byte{0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0})
	f.Add(uint8(1), []byte{0x82, 0x49, 0x83, 0x42, 0, 0, 0xf0, 0, 0xf0})
	f.Add(uint8(2), []byte{0x12, 0, 0x0a, 3, 1, 2, 3, 0x32, 1, 9})
	f.Add(uint8(3), []byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3})
	f.Fuzz(func(t *testing.T, which uint8, frame []byte) {
		codec := []string{codecVP8, codecVP9, codecAV1, codecH264}[which%4]
		p := newPayloader(codec, 200)
		for _, payload := range p.payload(frame) {
			if len(payload) == 0 || len(payload) > 200 {
				t.Fatalf("payload of %d bytes", len(payload))
			}
		}
	})
}

func FuzzVideoBuffer(f *testing.F) {
	f.Add(uint8(0), []byte{0, 0x90, 1, 2, 3, 0x80, 4, 0x91, 5, 6})
	f.Add(uint8(3), []byte{0, 1, 0x67, 9, 1, 0x85, 0x65})
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		codec := []string{codecVP8, codecVP9, codecAV1, codecH264}[which%4]
		b := newVideoBuffer()
		now := time.Unix(0, 0)
		packets := 0
		for len(data) >= 5 {
			n := min(int(data[0]&0x1f), len(data)-5)
			b.push(now, &packet.Packet{
				SequenceNumber: binary.BigEndian.Uint16(data[1:]), Timestamp: uint32(data[3]) * 3000, Marker: data[4]&1 != 0,
				SSRC: uint32(data[4] >> 7), Payload: data[5 : 5+n],
			}, codec)
			packets++
			now = now.Add(time.Duration(data[4]) * time.Millisecond)
			b.tick(now)
			if at, some := b.deadline(now); some && at.IsZero() {
				t.Fatal("a deadline at no time")
			}
			data = data[5+n:]
		}
		if len(b.slots) > bufferPackets || len(b.slots) > packets || len(b.frames) > packets {
			t.Fatalf("%d packets, %d kept, %d frames", packets, len(b.slots), len(b.frames))
		}
		for i, f := range b.frames {
			if i == 0 && !f.picture.key {
				t.Fatal("begins without a key frame")
			}
		}
	})
}
