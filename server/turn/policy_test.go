package turn

import (
	"net/netip"
	"testing"
)

func TestPolicy(t *testing.T) {
	p := newPolicy([]netip.Addr{netip.MustParseAddr("10.0.0.5")}, false, []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")})
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1": true, "10.0.0.5": true, "192.168.7.9": true, "::ffff:8.8.8.8": true,
		"10.0.0.6": false, "192.168.8.9": false, "127.0.0.1": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false,
		"fc00::1": false, "169.254.169.254": false, "224.0.0.1": false, "ff02::1": false, "0.0.0.0": false, "::": false,
		"0.1.2.3": false, "100.100.0.1": false, "255.255.255.255": false, "::ffff:10.0.0.6": false, "::10.0.0.6": false,
		"64:ff9b::a00:6": false, "2002:a00:6::1": false, "2001:0:a00:6::1": false, "198.18.0.1": false,
	} {
		if got := p.permits(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v, want %v", ip, got, want)
		}
	}
	if p.permits(netip.Addr{}) {
		t.Error("the zero address was permitted")
	}
	open := newPolicy(nil, true, nil)
	for ip, want := range map[string]bool{"127.0.0.1": true, "10.0.0.6": true, "::1": true, "224.0.0.1": false, "0.0.0.0": false} {
		if got := open.permits(netip.MustParseAddr(ip)); got != want {
			t.Errorf("open: %s: %v, want %v", ip, got, want)
		}
	}
}

func FuzzParseUsername(f *testing.F) {
	for _, s := range []string{"1060:abc", "1060", ":", "-1:a", "1060:", "99999999999999999999:a", "1:a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		expires, user, ok := parseUsername(s)
		if ok && (user == "" || expires.Unix() < 0) {
			t.Errorf("%q gave %v, %q", s, expires, user)
		}
	})
}
