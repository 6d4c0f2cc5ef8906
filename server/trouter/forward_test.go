package trouter_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/trouter"
)

// at is an address of one node as that of another.
func at(node *world, address string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
	return node.http.URL + "/" + rest
}

func (w *world) post(address, body string) (status int, answer string) {
	w.t.Helper()
	response, err := http.Post(address, "text/plain", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// TestForward: a poll at another node gets what it would get at its own, and
// does to the connection what it would do there.
func TestForward(t *testing.T) {
	one := newWorld(t, trouter.Options{PollTime: 10 * time.Millisecond})
	two := one.another()
	address := at(two, one.begin("xhr-polling", "e"))
	if first := two.get(address); !strings.Contains(first, "1::") || !strings.Contains(first, "trouter.connected") {
		t.Fatalf("%q", first)
	}
	one.count(1)
	two.count(0)
	if idle := two.get(address); idle != "8::" {
		t.Errorf("%q", idle)
	}
	one.hub.tell(message(1))
	if got := two.get(address); !strings.Contains(got, `\"messageId\":\"1\"`) || strings.Contains(got, "8::") {
		t.Errorf("%.80q", got)
	}
	for body, want := range map[string]int{`5:1+::{"name":"ping"}`: 200, "no packet": 400, strings.Repeat("x", 1<<20): 400} {
		if status, answer := two.post(address, body); status != want || want == 200 && answer != "1" {
			t.Errorf("%.20q: %d %q", body, status, answer)
		}
	}
	if got := two.get(address); got != `6:::1+["pong"]` {
		t.Errorf("%q", got)
	}
	if left := two.get(address + "&disconnect=1"); left != "0::" {
		t.Errorf("%q", left)
	}
	one.count(0)
}

// TestForward_Gone: a node that is gone, or that there never was, keeps nobody
// waiting; the client is told to connect again.
func TestForward_Gone(t *testing.T) {
	one := newWorld(t, trouter.Options{AnswerTime: 10 * time.Millisecond})
	two := one.another()
	address := at(two, one.begin("xhr-polling", "e"))
	two.get(address)
	if err := one.service.Close(); err != nil {
		t.Fatal(err)
	}
	id := strings.Split(strings.Split(address, "?")[0], ".")
	for name, gone := range map[string]string{
		"closed":   address,
		"no node":  strings.Replace(address, id[len(id)-1], guid.New().String(), 1),
		"no id":    strings.Replace(address, id[len(id)-1], "%3E", 1),
		"wildcard": strings.Replace(address, id[len(id)-1], "*", 1),
		"more":     strings.Replace(address, "?", ".x?", 1),
	} {
		// What names no node is a connection that begins where it is.
		begins := name != "closed" && name != "no node"
		got := two.get(gone)
		if ok := got == "0::" || begins && strings.Contains(got, "trouter.connected"); !ok {
			t.Errorf("%s: %q", name, got)
		}
	}
	if status, _ := two.post(address, "2::"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}

// TestForward_Malformed: what is no word of a node is passed over.
func TestForward_Malformed(t *testing.T) {
	one := newWorld(t, trouter.Options{PollTime: 10 * time.Millisecond})
	two := one.another()
	address := one.begin("xhr-polling", "e")
	node := strings.Split(strings.Split(address, "?")[0], ".")
	subject := "parley.trouter.node." + node[len(node)-1]
	for _, data := range []string{"", "{", `{"k":9}`, `{"k":1}`, `{"k":1,"t":"a.b","f":"nobody"}`, `{"k":2,"b":"AA==","f":"nobody"}`, `{"k":4,"n":77,"s":200}`} {
		if err := one.bus.Publish(subject, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if first := two.get(at(two, address)); !strings.Contains(first, "trouter.connected") {
		t.Errorf("%q", first)
	}
}
