package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/coder/websocket"
)

// pushed is the body of a push: what the tests look at.
type pushed struct {
	EventID                               int
	RecipientMri, SenderID, GroupID       string
	MessageID, MessageBody, MessageType   string
	SenderDisplayName, ClientMessageID    string
	OriginalArrivalTime, Version          string
	AcsChatMessageMetadata, Attachments   string
	EditTime, DeleteTime                  string
	ThreadID, CreateTime, CreatedBy, Time string
	Members, Properties                   string
	EditedBy, DeletedBy, Reason           string
	AddedBy, ParticipantsAdded            string
	RemovedBy, ParticipantsRemoved        string
}

// listener is a client of the real-time connection as a browser is one, over
// either transport.
type listener struct {
	t        testing.TB
	r        *rest
	token    string
	endpoint string // of the client instance
	socketio string
	query    url.Values
	id       string // of the connection
	path     string // of the pushes
	ws       *websocket.Conn
	packets  []string // heard and not looked at, of a listener that polls
	nodes    []*rest  // to which a balancer sends its polls in turn; nil: r
	last     int
}

// realtimeRequest sends a request of the steps before the connection.
func (r *rest) realtimeRequest(method, target, token, body string) *answer {
	r.t.Helper()
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if strings.Contains(target, "/chat/config/") {
		req.Header.Set("Authorization", "Bearer "+token)
	} else {
		req.Header.Set("X-Skypetoken", token)
	}
	return r.do(req)
}

// allocate does the steps up to the handshake.
func allocate(t testing.TB, r *rest, token, endpoint string) *listener {
	t.Helper()
	l := &listener{t: t, r: r, token: token, endpoint: endpoint}
	a := r.realtimeRequest(http.MethodGet, r.conn.Endpoint+"/chat/config/realTimeNotifications?api-version=2024-09-01", token, "")
	config := decoded[struct{ TrouterServiceURL, RegistrarServiceURL, CloudType string }](t, a)
	if config.TrouterServiceURL == "" || config.RegistrarServiceURL == "" || config.CloudType == "" {
		t.Fatalf("%+v", config)
	}
	a = r.realtimeRequest(http.MethodPost, config.TrouterServiceURL+"/v4/a?cor_id=c&con_num=1_1&epid="+endpoint, token, "")
	place := decoded[struct {
		SocketIO, SURL, URL, TTL string
		ConnectParams            map[string]string
	}](t, a)
	if place.SURL == "" || place.URL == "" || place.TTL == "" || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%+v %v", place, a.Header)
	}
	l.socketio, l.query = place.SocketIO, url.Values{"v": {"v4"}, "epid": {endpoint}}
	surl, err := url.Parse(place.SURL)
	if err != nil {
		t.Fatal(err)
	}
	l.path = surl.Path
	for name, value := range place.ConnectParams {
		l.query.Set(name, value)
	}
	a = r.realtimeRequest(http.MethodGet, l.address("socket.io/1/", r), token, "")
	id, transports, ok := strings.Cut(string(a.body), ":")
	if a.StatusCode != http.StatusOK || !ok || transports != "180:180:websocket,xhr-polling" {
		t.Fatalf("handshake: %d %s", a.StatusCode, a.body)
	}
	l.id = id
	a = r.realtimeRequest(http.MethodPost, config.RegistrarServiceURL+"/v3/registrations", token, `{"registrationId":"x"}`)
	if a.StatusCode != http.StatusAccepted {
		t.Fatalf("registration: %d %s", a.StatusCode, a.body)
	}
	return l
}

func decoded[T any](t testing.TB, a *answer) (v T) {
	t.Helper()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// address is a URL of the connection at a node.
func (l *listener) address(path string, node *rest) string {
	l.query.Set("t", strconv.FormatInt(time.Now().UnixNano(), 10))
	return node.conn.Endpoint + "/" + path + "?" + l.query.Encode()
}

// connect opens the WebSocket at a node and expects to be told so.
func (l *listener) connect(node *rest) *listener {
	l.t.Helper()
	ws, response, err := l.dial(node)
	if err != nil {
		l.t.Fatal(response, err)
	}
	l.ws = ws
	l.t.Cleanup(func() { _ = ws.CloseNow() })
	l.ready()
	return l
}

func (l *listener) dial(node *rest) (*websocket.Conn, *http.Response, error) {
	ws, response, err := websocket.Dial(l.t.Context(), l.address("socket.io/1/websocket/"+l.id, node), &websocket.DialOptions{
		HTTPClient: node.client, HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
	})
	if ws != nil {
		ws.SetReadLimit(1 << 20)
	}
	return ws, response, err
}

// ready expects the first two packets.
func (l *listener) ready() {
	l.t.Helper()
	if hello, ready := l.hear(), l.hear(); hello != "1::" || !strings.HasPrefix(ready, `5:::{"name":"trouter.connected"`) {
		l.t.Fatalf("heard %q, %q", hello, ready)
	}
}

func (l *listener) say(packet string) {
	l.t.Helper()
	if l.ws == nil {
		node := l.node()
		a := node.realtimeRequest(http.MethodPost, l.address("socket.io/1/xhr-polling/"+l.id, node), l.token, packet)
		if string(a.body) != "1" {
			l.t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		return
	}
	if err := l.ws.Write(l.t.Context(), websocket.MessageText, []byte(packet)); err != nil {
		l.t.Fatal(err)
	}
}

// node is where the next poll goes.
func (l *listener) node() *rest {
	if len(l.nodes) == 0 {
		return l.r
	}
	node := l.nodes[0]
	l.nodes = append(l.nodes[1:], node)
	return node
}

// hear returns the next packet that is not there to keep the connection.
func (l *listener) hear() string {
	l.t.Helper()
	for {
		p := l.next()
		if p != "8::" {
			return p
		}
	}
}

func (l *listener) next() string {
	l.t.Helper()
	if l.ws != nil {
		ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
		defer cancel()
		_, data, err := l.ws.Read(ctx)
		if err != nil {
			l.t.Fatal(err)
		}
		return string(data)
	}
	for len(l.packets) == 0 {
		node := l.node()
		a := node.realtimeRequest(http.MethodGet, l.address("socket.io/1/xhr-polling/"+l.id, node), "", "")
		if a.StatusCode != http.StatusOK {
			l.t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		l.packets = packetsOf(l.t, string(a.body))
	}
	p := l.packets[0]
	l.packets = l.packets[1:]
	return p
}

// packetsOf splits the answer of a poll as JavaScript does, by UTF-16.
func packetsOf(t testing.TB, body string) (list []string) {
	t.Helper()
	const separator = 0xfffd
	units := utf16.Encode([]rune(body))
	if len(units) == 0 || units[0] != separator {
		return []string{body}
	}
	for len(units) > 0 {
		end := 1
		for units[end] != separator {
			end++
		}
		n, err := strconv.Atoi(string(utf16.Decode(units[1:end])))
		if err != nil || end+1+n > len(units) {
			t.Fatalf("payload %q", body)
		}
		list = append(list, string(utf16.Decode(units[end+1:end+1+n])))
		units = units[end+1+n:]
	}
	return list
}

// push expects an event and answers for it as the client does.
func (l *listener) push() pushed {
	l.t.Helper()
	text := l.hear()
	data, ok := strings.CutPrefix(text, "3:::")
	var request struct {
		ID                int
		Method, URL, Body string
	}
	if !ok || json.Unmarshal([]byte(data), &request) != nil || request.URL != l.path || request.ID != l.last+1 {
		l.t.Fatalf("heard %q, want push %d for %s", text, l.last+1, l.path)
	}
	l.last = request.ID
	var p pushed
	if err := json.Unmarshal([]byte(request.Body), &p); err != nil {
		l.t.Fatalf("%q: %v", request.Body, err)
	}
	l.say(`3:::{"id":` + strconv.Itoa(request.ID) + `,"status":200,"headers":{},"body":""}`)
	return p
}

// expect returns the next event, which must be of a kind and for the user.
func (l *listener) expect(kind int, user string) pushed {
	l.t.Helper()
	p := l.push()
	if p.EventID != kind || p.RecipientMri != user {
		l.t.Fatalf("heard %+v, want %d for %s", p, kind, user)
	}
	return p
}

// over expects that the service ends the connection, with a word.
func (l *listener) over() {
	l.t.Helper()
	if p := l.hear(); p != "0::" {
		l.t.Fatalf("heard %q, want the end", p)
	}
	if l.ws == nil {
		return
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	if _, data, err := l.ws.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		l.t.Fatalf("%q, %v", data, err)
	}
}

// unescape does what the function of that name does in JavaScript, for what
// the service makes.
func unescape(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+2 >= len(text) {
			out.WriteByte(text[i])
			continue
		}
		code, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			out.WriteByte(text[i])
			continue
		}
		out.WriteRune(rune(code))
		i += 2
	}
	return out.Bytes()
}
