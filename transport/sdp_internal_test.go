package transport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/packet"
)

// describe makes a description of the given sections.
func describe(sections ...string) string {
	head := []string{
		"v=0", "o=- 99 7 IN IP4 192.0.2.1", "s=-", "t=0 0",
		"a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":"),
		"a=group:BUNDLE 0 1 2", "a=msid-semantic: WMS *", "a=extmap-allow-mixed",
		"a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv", "a=setup:actpass",
	}
	return strings.Join(append(head, sections...), "\r\n") + "\r\n"
}

func lines(parts ...string) string { return strings.Join(parts, "\r\n") }

func audioSection() string {
	return lines("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 13 126", "c=IN IP4 0.0.0.0", "a=mid:0", "a=rtcp-mux", "a=sendrecv",
		"a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", "a=fmtp:111 stereo=1", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111",
		"a=rtpmap:9 G722/8000", "a=rtpmap:13 CN/8000", "a=rtpmap:126 telephone-event/8000",
		"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on", "a=extmap:2/sendrecv http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
		"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"a=msid:s t", "a=ssrc:77 cname:x", "a=ssrc:77 msid:s t",
		"a=candidate:1 1 udp 1 10.0.0.1 9 typ host", "a=end-of-candidates")
}

func videoSection() string {
	return lines("m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105", "c=IN IP4 0.0.0.0", "a=mid:1", "a=recvonly",
		"a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
		"a=rtpmap:102 H264/90000", "a=fmtp:102 packetization-mode=1;profile-level-id=42001f",
		"a=rtpmap:103 rtx/90000", "a=fmtp:103 apt=102",
		"a=rtpmap:104 H264/90000", "a=fmtp:104 packetization-mode=0;profile-level-id=42e01f",
		"a=rtpmap:105 rtx/90000", "a=fmtp:105 apt=104;rtx-time=200",
		"a=ssrc-group:FID 5 6", "a=ssrc-group:SIM 5 7", "a=ssrc-group:FID bad 6", "a=ssrc:5 cname:x", "a=ssrc:6 cname:x",
		"a=rid:1 send", "a=simulcast:send 1", "a=unheard-of:yes")
}

func dataSection() string {
	return lines("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2", "a=sctp-port:5000")
}

func ourMedia(t testing.TB) []*media {
	t.Helper()
	audio, video, err := assignPayloadTypes(
		[]packet.Codec{{Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "useinbandfec=1"}, {Name: "PCMU", ClockRate: 8000}, {Name: "telephone-event", ClockRate: 8000, Parameters: "0-15"}},
		[]packet.Codec{{Name: "H264", ClockRate: 90000, Parameters: "packetization-mode=1;profile-level-id=42e01f"}, {Name: "VP8", ClockRate: 90000}})
	if err != nil {
		t.Fatal(err)
	}
	return []*media{nil, newMedia(packet.KindAudio, audio), newMedia(packet.KindVideo, video)}
}

func TestParseDescription(t *testing.T) {
	d, err := parseDescription(describe(audioSection(), videoSection(), dataSection()))
	if err != nil {
		t.Fatal(err)
	}
	if d.ours || d.passive || !slices.Equal(d.candidates, []string{"candidate:1 1 udp 1 10.0.0.1 9 typ host"}) {
		t.Errorf("%+v", d)
	}
	audio, video := d.first(packet.KindAudio), d.first(packet.KindVideo)
	var names []string
	for _, c := range append(audio.codecs, video.codecs...) {
		names = append(names, fmt.Sprintf("%d %s/%d/%d %s", c.PayloadType, c.Name, c.ClockRate, c.Channels, c.Parameters))
	}
	want := []string{
		"111 opus/48000/2 stereo=1", "63 red/48000/2 111/111", "9 G722/8000/1 ", "0 PCMU/8000/1 ", "13 CN/8000/1 ", "126 telephone-event/8000/1 ",
		"96 VP8/90000/0 ", "102 H264/90000/0 packetization-mode=1;profile-level-id=42001f", "104 H264/90000/0 packetization-mode=0;profile-level-id=42e01f",
	}
	if !slices.Equal(names, want) {
		t.Errorf("codecs\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	if len(video.rtx) != 3 || video.rtx[97] != 96 || video.rtx[105] != 104 {
		t.Errorf("repairs of %v", video.rtx)
	}
	if len(video.repairs) != 1 || video.repairs[6] != 5 {
		t.Errorf("repair sources %v", video.repairs)
	}
	if audio.mid != "0" || video.mid != "1" {
		t.Errorf("names %q and %q", audio.mid, video.mid)
	}
}

func TestParseDescription_Refused(t *testing.T) {
	many := func(n int, format string) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(format, i))
		}
		return strings.Join(list, "\r\n")
	}
	for name, text := range map[string]string{
		"Empty":         "",
		"NotSDP":        "hello",
		"Huge":          describe(strings.Repeat("a=x\r\n", MaxDescriptionSize)),
		"Sections":      describe(strings.TrimSuffix(strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", maxSections+1), "\r\n")),
		"PayloadTypes":  describe("m=audio 9 UDP/TLS/RTP/SAVPF" + strings.Repeat(" 0", maxCodecs+1)),
		"PayloadType":   describe("m=audio 9 UDP/TLS/RTP/SAVPF x"),
		"Sources":       describe(audioSection(), many(4*maxSSRCs+1, "a=ssrc:%d cname:x")),
		"RepairSources": describe(videoSection(), many(maxSSRCs+1, "a=ssrc-group:FID 1 %d")),
		"ShortUfrag":    strings.Replace(describe(audioSection()), "abcd\r", "abc\r", 1),
		"LongPassword":  strings.Replace(describe(audioSection()), "ice-pwd:", "ice-pwd:"+strings.Repeat("x", 300), 1),
		"NoFingerprint": strings.Replace(describe(audioSection()), "a=fingerprint:", "a=fingerprnt:", 1),
	} {
		if _, err := parseDescription(text); !errors.Is(err, ErrInvalidDescription) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is odd but harmless is passed over.
func TestParseDescription_Tolerant(t *testing.T) {
	d, err := parseDescription(describe(lines(
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 112 113 114 8", "a=mid:0",
		"a=rtpmap:111 opus", "a=rtpmap:112 x/y", "a=rtpmap:113 z/0", "a=rtpmap:999 opus/48000/2", "a=rtpmap:114 opus/48000/many",
		"a=fmtp:111", "a=rtpmap", "a=ssrc-group:FID", "a=ssrc-group:FID 1 x",
	), "m=text 9 UDP/TLS/RTP/SAVPF 1", "m=audio 0 UDP/TLS/RTP/SAVPF 0"))
	if err != nil {
		t.Fatal(err)
	}
	first := d.first(packet.KindAudio)
	if len(first.codecs) != 2 || first.codecs[0].Channels != 1 || first.codecs[1].Name != "PCMA" || d.first(packet.KindVideo) != nil {
		t.Errorf("%+v", first)
	}
}

func TestFilter(t *testing.T) {
	d, err := parseDescription(describe(audioSection(), videoSection(), dataSection()))
	if err != nil {
		t.Fatal(err)
	}
	got := d.filter(ourMedia(t), false)
	for _, want := range []string{
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 0 126\r\n", "a=rtpmap:111 opus/48000/2\r\n", "a=fmtp:111 useinbandfec=1\r\n",
		"a=rtcp-fb:111 transport-cc\r\n", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\n", "a=extmap:3 http",
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103\r\n", "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n", "a=fmtp:97 apt=96\r\n",
		"a=recvonly\r\n", "a=ssrc-group:FID 5 6\r\n", "a=group:BUNDLE 0 1 2\r\n", "a=sctp-port:5000\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, gone := range []string{
		"candidate", "red/48000", "G722", "CN/8000", "stereo", "abs-send-time", "a=fmtp:104", "rtpmap:105", "a=rid", "simulcast", "unheard", "a=msid", "allow-mixed",
	} {
		if strings.Contains(got, gone) {
			t.Errorf("%q is left", gone)
		}
	}
	// Twice is once: what the stack below sees can be read again.
	again, err := parseDescription(got)
	if err != nil {
		t.Fatal(err)
	}
	if twice := again.filter(ourMedia(t), false); twice != got {
		t.Errorf("filtered again\n%s\nbefore\n%s", twice, got)
	}
}

func TestFilter_NothingInCommon(t *testing.T) {
	second := lines("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:4", "a=rtpmap:0 PCMU/8000")
	d, err := parseDescription(describe(audioSection(), lines("m=video 9 UDP/TLS/RTP/SAVPF 98", "a=mid:1", "a=rtpmap:98 VP9/90000"), second))
	if err != nil {
		t.Fatal(err)
	}
	got := d.filter(ourMedia(t), false)
	for _, want := range []string{"m=video 9 UDP/TLS/RTP/SAVPF 127\r\na=rtpmap:127 nothing/90000\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 127\r\na=rtpmap:127 nothing/90000\r\na=mid:4\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestFilter_RejectedSectionOfAnAnswer(t *testing.T) {
	d, err := parseDescription(strings.Replace(
		describe(audioSection(), "m=video 0 UDP/TLS/RTP/SAVPF 0\r\na=ssrc:1 cname:x", "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"), "actpass", "active", 1))
	if err != nil {
		t.Fatal(err)
	}
	if !d.passive {
		t.Error("the other side begins the handshake")
	}
	got := d.filter(ourMedia(t), true)
	for _, want := range []string{
		"m=video 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=inactive\r\na=rtpmap:98 H264/90000\r\na=fmtp:98 packetization",
		"m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=inactive\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "ssrc:1 ") {
		t.Error("something is left of the rejected section")
	}
	n := agree(ourMedia(t)[packet.KindVideo].ours, d.first(packet.KindVideo), d.first(packet.KindVideo))
	if n.speaks() || len(n.codecs) != 0 {
		t.Errorf("agreed on %v", n.codecs)
	}
}

func TestMinimal(t *testing.T) {
	got := minimal(describe(audioSection(), videoSection()), 3)
	if !strings.HasPrefix(got, "v=0\r\no=- 1 3 IN IP4 0.0.0.0\r\ns=-\r\n") {
		t.Errorf("begins with %q", got[:40])
	}
	for text, want := range map[string]int{
		"a=ice-options:trickle\r\n": 1, "a=parley\r\n": 1, "a=ssrc:77 cname:p\r\n": 1, "a=ssrc:77": 1, "a=ssrc:5 cname:p\r\n": 1,
		"candidate": 0, "msid": 0, "allow-mixed": 0, "192.0.2.1": 0, "a=extmap:": 3,
	} {
		if n := strings.Count(got, text); n != want {
			t.Errorf("%q is there %d times, want %d", text, n, want)
		}
	}
	if again := minimal(got, 3); again != got {
		t.Errorf("once more\n%s\nbefore\n%s", again, got)
	}
	if d, err := parseDescription(got); err != nil || !d.ours {
		t.Errorf("%+v %v", d, err)
	}
}

func TestSameCodec(t *testing.T) {
	h264 := func(parameters string) packet.Codec {
		return packet.Codec{Name: "H264", ClockRate: 90000, Parameters: parameters}
	}
	for _, c := range []struct {
		name string
		a, b packet.Codec
		want bool
	}{
		{"Case", packet.Codec{Name: "OPUS", ClockRate: 48000, Channels: 2}, packet.Codec{Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "x=y"}, true},
		{"Channels", packet.Codec{Name: "opus", ClockRate: 48000, Channels: 2}, packet.Codec{Name: "opus", ClockRate: 48000}, false},
		{"OneChannel", packet.Codec{Name: "PCMU", ClockRate: 8000, Channels: 1}, packet.Codec{Name: "PCMU", ClockRate: 8000}, true},
		{"Clock", packet.Codec{Name: "telephone-event", ClockRate: 8000}, packet.Codec{Name: "telephone-event", ClockRate: 48000}, false},
		{"H264Level", h264("packetization-mode=1;profile-level-id=42e01f"), h264("profile-level-id=42E034; packetization-mode=1"), true},
		{"H264Constraints", h264("packetization-mode=1;profile-level-id=42e01f"), h264("packetization-mode=1;profile-level-id=42001f"), true},
		{"H264Mode", h264("packetization-mode=1;profile-level-id=42e01f"), h264("profile-level-id=42e01f"), false},
		{"H264Profile", h264("packetization-mode=1;profile-level-id=42e01f"), h264("packetization-mode=1;profile-level-id=64001f"), false},
		{"H264Default", h264(""), h264("packetization-mode=0"), true},
		{"H264Short", h264("profile-level-id=4"), h264("profile-level-id=4"), true},
		{"VP9", packet.Codec{Name: "VP9", ClockRate: 90000}, packet.Codec{Name: "vp9", ClockRate: 90000, Parameters: "profile-id=0"}, true},
		{"VP9Profile", packet.Codec{Name: "VP9", ClockRate: 90000}, packet.Codec{Name: "VP9", ClockRate: 90000, Parameters: "profile-id=2"}, false},
		{"AV1", packet.Codec{Name: "AV1", ClockRate: 90000, Parameters: "profile=1"}, packet.Codec{Name: "AV1", ClockRate: 90000}, false},
	} {
		if got := sameCodec(c.a, c.b); got != c.want || sameCodec(c.b, c.a) != got {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestAgree_Order(t *testing.T) {
	d, err := parseDescription(describe(audioSection(), videoSection()))
	if err != nil {
		t.Fatal(err)
	}
	media := ourMedia(t)
	n := agree(media[packet.KindVideo].ours, d.first(packet.KindVideo), d.first(packet.KindVideo))
	if len(n.codecs) != 2 || n.codecs[0].Name != "VP8" || n.codecs[1].PayloadType != 102 {
		t.Errorf("agreed on %v", n.codecs)
	}
	if n.rtx[96] != 97 || n.media[97] != 96 || n.rtx[104] != 0 || !n.known[96] || n.known[97] || n.clock[102] != 90000 {
		t.Errorf("%+v", n)
	}
	tones := agree(media[packet.KindAudio].ours[2:], d.first(packet.KindAudio), d.first(packet.KindAudio))
	if len(tones.codecs) != 1 || tones.speaks() {
		t.Errorf("tones only: %v", tones.codecs)
	}
	if n := agree(media[packet.KindAudio].ours, nil, nil); n.speaks() {
		t.Error("agreed on nothing")
	}
}
