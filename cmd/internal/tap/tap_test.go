package tap_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/parley-rtc/parley/cmd/internal/tap"
	"github.com/parley-rtc/parley/internal/netem"
)

func rtp(payloadType byte, sequence uint16, ssrc uint32) []byte {
	b := make([]byte, 12, 40)
	b[0], b[1] = 0x80, payloadType
	binary.BigEndian.PutUint16(b[2:], sequence)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return append(b, "payload"...)
}

func channelData(data []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0x4001)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func indication(kind uint16, data []byte) []byte {
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b, kind)
	binary.BigEndian.PutUint32(b[4:], 0x2112a442)
	b = append(b, 0, 0x12, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0) // another attribute, padded
	b = binary.BigEndian.AppendUint16(b, 0x0013)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func TestParse(t *testing.T) {
	media := rtp(111, 500, 7)
	cases := map[string]struct {
		data []byte
		ok   bool
	}{
		"media":                 {media, true},
		"with marker":           {rtp(0x80|111, 500, 7), true},
		"in channel data":       {channelData(media), true},
		"in a send indication":  {indication(0x0016, media), true},
		"in a data indication":  {indication(0x0017, media), true},
		"a binding request":     {indication(0x0001, media), false},
		"RTCP":                  {rtp(200&0x7f, 500, 7), false},
		"DTLS":                  {append([]byte{22, 254, 253}, make([]byte, 30)...), false},
		"short":                 {media[:11], false},
		"short in channel data": {channelData(media[:9]), false},
		"empty":                 {nil, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			k, payloadType, ok := tap.Parse(tc.data)
			if ok != tc.ok {
				t.Fatalf("ok %v", ok)
			}
			if ok && (k.SSRC != 7 || k.Sequence != 500 || payloadType != 111) {
				t.Errorf("got %+v, payload type %d", k, payloadType)
			}
		})
	}
}

func TestNet_StampsBothEnds(t *testing.T) {
	n := netem.New(1)
	defer n.Close()
	a, b := n.Host("a", netip.MustParseAddr("10.0.0.1")), n.Host("b", netip.MustParseAddr("10.0.0.2"))
	path := n.Link(a, b, netem.Link{})
	var o tap.Observer
	listen := func(name string, h *netem.Host, addr string) net.PacketConn {
		c, err := (&tap.Net{Name: name, Observer: &o, Below: h}).ListenPacket("udp4", netip.MustParseAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	from, to := listen("a", a, "10.0.0.1:1"), listen("b", b, "10.0.0.2:2")
	for i := range uint16(3) {
		path.SetDown(i == 1)
		if _, err := from.WriteTo(rtp(111, i, 9), to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, _, err := to.ReadFrom(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	packets := o.Packets()
	if len(packets) != 3 || len(o.OneWay()) != 2 {
		t.Fatalf("%d packets, %d arrived", len(packets), len(o.OneWay()))
	}
	if !packets[1].Arrived.IsZero() || packets[0].FromTap != "a" || packets[0].ToTap != "b" || packets[0].Size != 19 {
		t.Errorf("packets %+v", packets)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(rtp(111, 1, 2))
	f.Add(indication(0x0016, rtp(111, 1, 2)))
	f.Add(channelData(rtp(111, 1, 2)))
	f.Fuzz(func(_ *testing.T, b []byte) { tap.Parse(b) })
}
