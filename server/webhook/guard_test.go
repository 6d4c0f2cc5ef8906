package webhook_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/server/webhook"
)

func guard(t testing.TB, open bool, allowed ...string) *webhook.Guard {
	t.Helper()
	g, err := webhook.NewGuard(open, allowed)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// special are addresses that are not public, as texts of URLs.
func special() []string {
	return []string{
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254",
		"168.63.129.16", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[fec0::1]", "[2001:db8::1]", "[100::1]", "[2001::1]",
		"[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]",
		"[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
	}
}

func TestGuard_Check(t *testing.T) {
	closed := guard(t, false)
	for _, good := range []string{
		"https://hooks.example", "https://hooks.example:8443/a/b?c=d", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://HOOKS.example./",
		"https://[64:ff9b::808:808]/", "https://[2002:808:808::1]/", "https://a_b.example/", "https://localhost/", // where that leads is seen at the dial
	} {
		if err := closed.Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	bad := []string{
		"", "x", "hooks.example", "//hooks.example", "https:hooks.example", "https://", "https:///x", "http://hooks.example", "ftp://hooks.example", "file:///etc/passwd",
		"gopher://hooks.example", "https://alice@hooks.example", "https://alice:secret@hooks.example", "https://hooks.example/#x", "https://hooks .example",
		"https://hooks.example/" + strings.Repeat("x", 3000), "https://häuser.example", "https://[::1", "https://a..b", "https://" + strings.Repeat("a", 64) + ".example",
		"javascript:alert(1)", "https://hooks.example\x00", "https://%6cocalhost%00/",
	}
	for _, host := range special() {
		bad = append(bad, "https://"+host+"/", "https://"+host+":8443/")
	}
	for _, endpoint := range bad {
		if err := closed.Check(endpoint); !errors.Is(err, webhook.ErrTarget) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestGuard_Allowed(t *testing.T) {
	g := guard(t, false, "hooks.internal", "*.Corp.example", "10.1.2.3", "192.168.0.0/16", "fd00::/8")
	for _, good := range []string{
		"http://hooks.internal/", "https://hooks.internal", "http://a.corp.example", "http://a.b.corp.example", "http://10.1.2.3", "https://192.168.7.7", "http://[fd00::1]",
		"http://[::ffff:10.1.2.3]/",
	} {
		if err := g.Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"http://corp.example", "http://evilcorp.example", "http://hooks.internal.evil.example", "https://10.1.2.4", "http://8.8.8.8", "https://[fc00::1]"} {
		if err := g.Check(bad); !errors.Is(err, webhook.ErrTarget) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, text := range []string{"", "*", "*.", "a b", "https://a.example", "a.example:80", "10.0.0.0/40", "a*.example"} {
		if _, err := webhook.NewGuard(false, []string{text}); !errors.Is(err, webhook.ErrTarget) {
			t.Errorf("%q is allowed", text)
		}
	}
}

func TestGuard_Open(t *testing.T) {
	g := guard(t, true)
	for _, good := range []string{"http://127.0.0.1:8080/", "http://[::1]/", "http://10.0.0.1/", "http://laptop/"} {
		if err := g.Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"http://0.0.0.0/", "http://224.0.0.1/", "ftp://127.0.0.1/", "http://a@127.0.0.1/"} {
		if err := g.Check(bad); !errors.Is(err, webhook.ErrTarget) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzGuard looks for an endpoint that passes and is not https on a name or a
// public address.
func FuzzGuard(f *testing.F) {
	for _, host := range special() {
		f.Add("https://" + host + "/")
	}
	f.Add("https://hooks.example:443/x?y=z")
	g, err := webhook.NewGuard(false, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, endpoint string) {
		if g.Check(endpoint) != nil {
			return
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
			t.Fatalf("%q passes: %v", endpoint, err)
		}
		ip, err := netip.ParseAddr(u.Hostname())
		if err != nil {
			return
		}
		if ip = ip.Unmap(); ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
			t.Errorf("%q passes", endpoint)
		}
	})
}
