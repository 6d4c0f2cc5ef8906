// Package xmpp is as much of an XMPP client as the bench needs to put an XMPP
// server under load: a stream over TCP or TLS, SASL PLAIN, a bound resource,
// messages, presence, rooms, and the question how many messages an archive
// holds (RFC 6120, RFC 6121, XEP-0045, XEP-0313). A stanza costs it little more
// than its bytes, so that the client's share of a measured time is small.
//
//	c, err := xmpp.Dial(ctx, &xmpp.Options{Address: "127.0.0.1:5222", Domain: "localhost", User: "alice", Password: "…"})
//	err = c.Join(ctx, "room@conference.localhost", "alice")
//	err = c.Say("room@conference.localhost", xmpp.Groupchat, "Hello")
//
// Options.Heard runs on the client's goroutine, one message at a time; it must
// not wait for that client.
package xmpp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// Kinds of messages (RFC 6121 5.2.2).
const (
	Chat      = "chat"
	Groupchat = "groupchat"
)

// openLimit is how long signing in may take when the context has no deadline.
const openLimit = time.Minute

// Options say who connects to what.
type Options struct {
	// Address is the host and port of the server.
	Address string
	// TLS is spoken from the first byte when it is given; nil: plain TCP.
	TLS *tls.Config
	// Domain, User and Password sign in; Resource names the connection, empty:
	// the server chooses.
	Domain, User, Password, Resource string
	// Heard is told of every message with a body; nil: none.
	Heard func(Message)
}

// Message is one that came.
type Message struct {
	// From is who sent it, a full address; in rooms the resource is the nick.
	From string
	// Body is its text.
	Body string
	// Archived tells that an archive gave it an identifier (XEP-0359, XEP-0313).
	Archived bool
}

// Client is a connection that has signed in. Its methods may be called from any
// goroutine.
type Client struct {
	options Options
	conn    net.Conn
	in      splitter
	jid     string
	done    chan struct{} // the reader has ended

	mu     sync.Mutex
	number int
	waits  map[string]chan element // answers by id, and joins by room
	err    error                   // why it ended
}

// Dial connects, signs in, binds a resource and is available (RFC 6121 4.2). It
// fails when the server refuses any of it.
func Dial(ctx context.Context, options *Options) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", options.Address)
	if err != nil {
		return nil, fmt.Errorf("xmpp: %w", err)
	}
	if options.TLS != nil {
		conn = tls.Client(conn, options.TLS)
	}
	c := &Client{options: *options, conn: conn, waits: map[string]chan element{}, done: make(chan struct{})}
	c.in.r = bufio.NewReaderSize(conn, 4096)
	over := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = c.signIn()
	if !over() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go c.read()
	return c, nil
}

// signIn takes the stream to where stanzas flow.
func (c *Client) signIn() error {
	if err := c.open(); err != nil {
		return err
	}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + c.options.User + "\x00" + c.options.Password)) // RFC 4616 2
	e, err := c.exchange("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret + "</auth>")
	if err != nil {
		return err
	}
	if e.name() != "success" {
		return failure("sign in", e)
	}
	if err := c.open(); err != nil { // RFC 6120 6.3.2
		return err
	}
	resource := ""
	if c.options.Resource != "" {
		resource = "<resource>" + escape(c.options.Resource) + "</resource>"
	}
	e, err = c.exchange("<iq id='bind' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" + resource + "</bind></iq>")
	if err != nil {
		return err
	}
	jid, ok := e.inside("jid")
	if !ok || e.attribute("type") != "result" {
		return failure("bind", e)
	}
	c.jid = jid
	return c.write("<presence/>")
}

// open begins a stream and reads over its features: what is not offered is
// refused when it is asked for.
func (c *Client) open() error {
	err := c.write("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='" +
		escape(c.options.Domain) + "'>")
	if err != nil {
		return err
	}
	if err = c.in.header(); err == nil {
		_, err = c.in.next()
	}
	if err != nil {
		return fmt.Errorf("xmpp: stream: %w", err)
	}
	return nil
}

// exchange writes one element and reads the next.
func (c *Client) exchange(text string) (element, error) {
	if err := c.write(text); err != nil {
		return nil, err
	}
	e, err := c.in.next()
	if err != nil {
		return nil, fmt.Errorf("xmpp: %w", err)
	}
	return e, nil
}

func (c *Client) write(text string) error {
	if _, err := io.WriteString(c.conn, text); err != nil {
		return fmt.Errorf("xmpp: %w", err)
	}
	return nil
}

// JID returns the full address of the connection.
func (c *Client) JID() string { return c.jid }

// Say sends a message of a kind to an address. It returns when the message is
// written; nobody answers it.
func (c *Client) Say(to, kind, body string) error {
	return c.write("<message to='" + escape(to) + "' type='" + kind + "' id='" + c.id() + "'><body>" + escape(body) + "</body></message>")
}

// Join enters a room under a nick, made when it is not there, and returns when
// the room has said so (XEP-0045 7.2). A room that was made is opened for others
// with its default configuration.
func (c *Client) Join(ctx context.Context, room, nick string) error {
	e, err := c.await(ctx, room+"/"+nick, "<presence to='"+escape(room+"/"+nick)+
		"'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>")
	if err != nil {
		return err
	}
	if e.attribute("type") == "error" {
		return failure("join", e)
	}
	if !e.has("code='201'") && !e.has(`code="201"`) { // XEP-0045 10.1.2: made just now, locked until configured
		return nil
	}
	_, err = c.ask(ctx, "set", room, "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>")
	return err
}

// Archived returns how many messages an archive holds: of a room, or with an
// empty address one's own (XEP-0313 4.1, XEP-0059 2.7).
func (c *Client) Archived(ctx context.Context, of string) (int, error) {
	e, err := c.ask(ctx, "set", of, "<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>0</max></set></query>")
	if err != nil {
		return 0, err
	}
	text, ok := e.inside("count")
	count, err := strconv.Atoi(text)
	if !ok || err != nil {
		return 0, failure("archive", e)
	}
	return count, nil
}

// ask sends a question and returns its answer; a refusal is an error.
func (c *Client) ask(ctx context.Context, kind, to, query string) (element, error) {
	id, address := c.id(), ""
	if to != "" {
		address = " to='" + escape(to) + "'"
	}
	e, err := c.await(ctx, id, "<iq id='"+id+"' type='"+kind+"'"+address+">"+query+"</iq>")
	if err != nil {
		return nil, err
	}
	if e.attribute("type") != "result" {
		return nil, failure("request", e)
	}
	return e, nil
}

func (c *Client) id() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	return strconv.Itoa(c.number)
}

// await writes and waits for the stanza that goes by that key.
func (c *Client) await(ctx context.Context, key, text string) (element, error) {
	answer := make(chan element, 1)
	c.mu.Lock()
	c.waits[key] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waits, key)
		c.mu.Unlock()
	}()
	if err := c.write(text); err != nil {
		return nil, err
	}
	select {
	case e := <-answer:
		return e, nil
	case <-c.done:
		return nil, c.ended()
	case <-ctx.Done():
		return nil, fmt.Errorf("xmpp: no answer: %w", ctx.Err())
	}
}

func (c *Client) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Errorf("xmpp: the connection has ended: %w", c.err)
}

// read takes stanzas until the connection ends.
func (c *Client) read() {
	defer close(c.done)
	for {
		e, err := c.in.next()
		if err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			return
		}
		c.handle(e)
	}
}

func (c *Client) handle(e element) {
	switch e.name() {
	case "message":
		if c.options.Heard == nil {
			return
		}
		if body, ok := e.inside("body"); ok {
			c.options.Heard(Message{From: e.attribute("from"), Body: body, Archived: e.has("urn:xmpp:sid:0")})
		}
	case "iq":
		switch e.attribute("type") {
		case "result", "error":
			c.answer(e.attribute("id"), e)
		default: // RFC 6120 8.2.3: a question must be answered; a ping is all that comes
			_ = c.write("<iq id='" + escape(e.attribute("id")) + "' type='result' to='" + escape(e.attribute("from")) + "'/>") // the reader sees a broken connection
		}
	case "presence":
		// One's own, the last of those that a room sends on entering.
		if e.has("code='110'") || e.has(`code="110"`) || e.attribute("type") == "error" {
			c.answer(e.attribute("from"), e)
		}
	}
}

// answer hands a stanza, whose bytes are used again, to whoever waits for it.
func (c *Client) answer(key string, e element) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer := c.waits[key]; answer != nil {
		delete(c.waits, key)
		answer <- append(element(nil), e...)
	}
}

// Close ends the stream (RFC 6120 4.4) and waits for the reader. It is safe to
// call again.
func (c *Client) Close() error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a full connection is closed all the same
	_ = c.write("</stream:stream>")
	err := c.conn.Close()
	<-c.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("xmpp: %w", err)
	}
	return nil
}
