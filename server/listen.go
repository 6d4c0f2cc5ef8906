package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

const (
	defaultAddr = "127.0.0.1:0"
	off         = "off"
)

// withPort returns the address to try first when any port will do: the one of
// the last start, so that agents find a restarted service again.
func withPort(addr string, last int) (string, bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port != "0" || last == 0 {
		return "", false
	}
	return net.JoinHostPort(host, strconv.Itoa(last)), true
}

// listenTCP opens one of the service's listeners; nil for "off".
func (o *Options) listenTCP(addr string, last int) (net.Listener, error) {
	if addr == off {
		return nil, nil //nolint:nilnil // off is a choice
	}
	if again, ok := withPort(addr, last); ok {
		if l, err := o.Listen("tcp", again); err == nil {
			return l, nil
		}
	}
	l, err := o.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// portOf returns the port that a listener has; 0 for none.
func portOf(l net.Listener) int {
	if l == nil {
		return 0
	}
	addr, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return 0
	}
	return int(addr.Port())
}

// hostFor returns the host under which clients reach a listener: localhost for
// those of this machine, else the public address, else the one listened on.
func (o *Options) hostFor(l net.Listener) string {
	addr, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return "localhost"
	}
	ip := addr.Addr().Unmap().WithZone("")
	switch {
	case ip.IsLoopback():
		return "localhost"
	case o.PublicIP != "":
		return o.PublicIP
	case ip.IsUnspecified():
		return "localhost"
	default:
		return ip.String()
	}
}

// endpoint returns the URL of a listener; empty for none.
func (o *Options) endpoint(scheme string, l net.Listener) string {
	if l == nil {
		return ""
	}
	return scheme + "://" + net.JoinHostPort(o.hostFor(l), strconv.Itoa(portOf(l)))
}

// names returns what the certificate of the https listener is for.
func (o *Options) names(l net.Listener) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if o.PublicIP != "" {
		names = append(names, o.PublicIP)
	}
	if host := o.hostFor(l); host != "localhost" && host != o.PublicIP {
		names = append(names, host)
	}
	return names
}

// check fills in the defaults.
func (o *Options) check() error {
	for _, addr := range []*string{&o.HTTPAddr, &o.HTTPSAddr, &o.TURNAddr} {
		if *addr == "" {
			*addr = defaultAddr
		}
	}
	if o.HTTPSAddr == off {
		return errors.New("https cannot be off: the SDKs need it")
	}
	if o.PublicIP != "" {
		ip, err := netip.ParseAddr(o.PublicIP)
		if err != nil {
			return fmt.Errorf("public IP: %w", err)
		}
		o.PublicIP = ip.Unmap().String()
	}
	o.fillHooks()
	return nil
}
