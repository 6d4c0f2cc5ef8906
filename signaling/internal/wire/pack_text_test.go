package wire

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPackText(t *testing.T) {
	tests := []struct {
		text string
		size int // 0: as long as the text
	}{
		{"", 0},
		{"plain text, 1234, \r\n\t", 0},
		{"a=fingerprint:sha-256 " + strings.Repeat("AB:", 31) + "CD", 22 + 2 + 32},
		{"a=ice-ufrag:abcdefgh\r\n", 12 + 2 + 6 + 2},
		{"a=ice-pwd:" + strings.Repeat("aB1+", 8), 10 + 2 + 24},
		{"a=ssrc:4294967295 cname:p", 7 + 5 + 8},
		{"18446744073709551615", 9},
		{"18446744073709551616", 0},
		{"012345678", 0},
		{"8:acs:46849534-eb08-4ab7-bde7-c36928cd1547_00000007-e155-1f06-1db7-3a3a0d00004b", 6 + 17 + 1 + 17},
		{"46849534-EB08-4ab7-bde7-c36928cd1547", 33},
		{"c=IN IP4 192.168.10.20", 9 + 5},
		{"c=IN IP6 2001:db8::1234:5678", 9 + 17},
		{"c=IN IP6 2001:DB8::1234:5678", 0},
		{"candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host", 9},
		{"candidate:1 1 udp 2130706431 2001:db8::1 40000 typ host", 21},
		{"candidate:1 1 udp 16777215 203.0.113.7 40000 typ relay raddr 0.0.0.0 rport 0", 9},
		{"candidate:1 1 udp 12345 203.0.113.7 40000 typ relay raddr 0.0.0.0 rport 0", 13},
		{"control \x00\x01\x1f bytes", 8 + 6 + 6},
		{"größer", 0},
	}
	for _, tt := range tests {
		packed, ok := packText(tt.text)
		if !ok {
			t.Errorf("%q was not packed", tt.text)
			continue
		}
		want := tt.size
		if want == 0 {
			want = len(tt.text)
		}
		if back, err := unpackText(packed); err != nil || back != tt.text || len(packed) != want {
			t.Errorf("%q: %d bytes %q, want %d; back %q, %v", tt.text, len(packed), packed, want, back, err)
		}
	}
	if _, ok := packText("not UTF-8: \xff"); ok {
		t.Error("text that is not UTF-8 was packed")
	}
}

func TestUnpackText_Malformed(t *testing.T) {
	for _, packed := range []string{
		"\x01", "\x01\x05abcd", "\x02", "\x02\x08abcde", "\x03", "\x04short", "\x05abc", "\x06short", "\x07",
		"\x07\xff123456789012345678901234567890", "\x07\x00short", "\x17short", "\x18", "\x1f", "\x00", "\xff",
	} {
		if text, err := unpackText([]byte(packed)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %q, %v", packed, text, err)
		}
	}
	// A short value that grows: hexadecimal is three times as long.
	long := strings.Repeat("\x01\xff"+strings.Repeat("a", 255), 2000)
	if _, err := unpackText([]byte(long)); !errors.Is(err, ErrMalformed) {
		t.Errorf("long text: %v", err)
	}
}

// TestPackText_Corpus packs each description of the corpus whole.
func TestPackText_Corpus(t *testing.T) {
	corpus, err := os.ReadFile("../training/corpus/descriptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range strings.Split(string(corpus), "--- ") {
		packed, ok := packText(text)
		back, err := unpackText(packed)
		if !ok || err != nil || back != text || len(packed) > len(text) {
			t.Errorf("entry %d: %v, %v", i, ok, err)
		}
	}
}

func FuzzPackText(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		packed, ok := packText(text)
		if !ok {
			if utf8.ValidString(text) && len(text) < MaxFrame {
				t.Errorf("%q was not packed", text)
			}
			return
		}
		back, err := unpackText(packed)
		if err != nil || back != text {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
	})
}

func FuzzUnpackText(f *testing.F) {
	f.Fuzz(func(t *testing.T, packed []byte) {
		text, err := unpackText(packed)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		if !utf8.ValidString(text) || len(text) > MaxFrame {
			t.Errorf("text of %d bytes", len(text))
		}
		if again, ok := packText(text); ok {
			if back, err := unpackText(again); err != nil || back != text {
				t.Errorf("%q came back as %q, %v", text, back, err)
			}
		}
	})
}
