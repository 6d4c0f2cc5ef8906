package server

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/oidc"
)

// Options configure the service. They are read once, by New.
type Options struct {
	// DataDir is the folder of everything that outlives the process: the
	// database, the certificate authority, connection.json. It is made when it
	// does not exist. Required. One service at a time may use it.
	DataDir string
	// Database is the URL of a PostgreSQL database, "postgres://…", which several
	// nodes may share. Empty: SQLite in the data folder.
	Database string
	// NATS names the servers of a NATS cluster, "nats://a:4222,nats://b:4222",
	// over which the nodes that share a database hear of each other. Empty: a
	// bus within the process, for a single node.
	NATS string
	// NATSCredentials is a file with a user's JWT and key for the cluster; empty:
	// what the URL says.
	NATSCredentials string
	// NATSTLS is used towards the cluster; nil: as its servers ask for, with the
	// system's authorities.
	NATSTLS *tls.Config
	// HTTPAddr is the address of plain http, "host:port". Empty is
	// "127.0.0.1:0". Port 0 takes the port of the last start on this folder
	// when it is free, else any free one, so that agents find a restarted
	// service again. "off" does without.
	HTTPAddr string
	// HTTPSAddr is the address of https, as HTTPAddr. It cannot be "off".
	HTTPSAddr string
	// TURNAddr is the UDP address of the relay, as HTTPAddr. "off" does without.
	TURNAddr string
	// PublicIP is the address that clients and peers reach this machine at.
	// Empty: the address listened on, or for a wildcard the machine's own.
	PublicIP string
	// AllowedPeers are address ranges that the relay may send to although they
	// are private, link-local or loopback. A relay that itself listens on
	// loopback only allows all of them.
	AllowedPeers []netip.Prefix
	// AllocationsPerUser is how many relay addresses one user may hold at a
	// time. Zero: 32.
	AllocationsPerUser int
	// TLSConfig serves https with given certificates instead of the local
	// certificate authority; nil is the local authority.
	TLSConfig *tls.Config
	// RequestTimeouts bound how slow a client may be.
	RequestTimeouts RequestTimeouts
	// Limits of requests per resource and operation: "off" or empty for none,
	// "acs" for what ACS publishes, or the path of a YAML file (server/limits).
	Limits string
	// OIDC are the issuers of OpenID Connect whose bearer tokens are taken, each
	// for what it says. The service's own issuer, of the token in
	// connection.json, is always there beside them.
	OIDC []oidc.Issuer
	// WebhookTargets are what events may be sent to although it is not public:
	// host names ("hooks.internal", "*.corp.example"), addresses and prefixes. A
	// service that listens on loopback only sends anywhere.
	WebhookTargets []string
	// WebhookRoots verify the receivers of events; nil is the system's
	// authorities.
	WebhookRoots *x509.CertPool
	// Push says how phones are woken for messages and calls. The zero value wakes
	// none.
	Push PushOptions
	// Domain is the domain under which every resource has a host name of its
	// own, "NAME.DOMAIN", with ":PORT" when clients reach https at another port
	// than the one listened on. Empty: each resource but the default one has a
	// port of its own.
	Domain string
	// ResourcePorts are the ports that resources get without a Domain. The zero
	// value is any free ones.
	ResourcePorts PortRange
	// Cloud is that of the resources made from now on; it decides the ids of
	// their users. Empty is ident.CloudPublic.
	Cloud ident.Cloud
	// Record gets every exchange of the REST API as a line of JSON, without
	// secrets: for tests against the specifications. Nil is nobody. It is
	// written from the goroutines of requests, one at a time.
	Record io.Writer
	// TokenAlgorithm signs user access tokens. The zero value is
	// identity.AlgorithmES256. After a change the tokens before it stay good.
	TokenAlgorithm identity.Algorithm
	// Timeouts of calls; zero fields take the defaults of callfsm.
	Timeouts callfsm.Timeouts
	// Retention is how long an agent's session is kept without a connection.
	// Zero: 150 s.
	Retention time.Duration
	// Logger gets what an operator may want to know; nil is silent. Tokens,
	// keys and message bodies never reach it.
	Logger *slog.Logger
	// Listen opens TCP listeners; nil is net.Listen. For emulated networks.
	Listen func(network, addr string) (net.Listener, error)
	// ListenPacket opens UDP sockets; nil is net.ListenPacket.
	ListenPacket func(network, addr string) (net.PacketConn, error)
	// Now is the clock of tokens, signatures and records; nil is time.Now.
	// Timers run on the process's own clock.
	Now func() time.Time
}

// fillHooks replaces nil hooks by the system's own.
func (o *Options) fillHooks() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	if o.ListenPacket == nil {
		o.ListenPacket = net.ListenPacket
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}
