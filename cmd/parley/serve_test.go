package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/audiocheck"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
	"github.com/parley-rtc/parley/server"
)

const (
	startLimit = time.Minute
	drainLimit = 30 * time.Second
)

// startService runs the service as a process on a data folder.
func startService(t *testing.T, data string) (*process, server.Connection) {
	t.Helper()
	p := startProgram(t, []string{"PARLEY_DATA=" + data}, "serve")
	p.says("Ctrl-C stops.", startLimit)
	var c server.Connection
	text, err := os.ReadFile(filepath.Join(data, "connection.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return p, c
}

func (p *process) terminate() {
	p.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if code := p.wait(drainLimit); code != 0 {
		p.t.Errorf("exit %d after SIGTERM", code)
	}
}

func TestServe_AnswersDrainsAndStartsAgain(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p, first := startService(t, data)
	if first.PID != p.Process.Pid || !strings.HasPrefix(first.Endpoint, "https://localhost:") ||
		!strings.Contains(first.ConnectionString, first.AccessKey) {
		t.Errorf("connection.json: %+v", first)
	}
	if !strings.Contains(p.output.String(), first.ConnectionString) {
		t.Error("the summary does not show the connection string")
	}
	if info, err := os.Stat(filepath.Join(data, "connection.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("connection.json: mode %v, %v", info.Mode(), err)
	}
	pem, err := os.ReadFile(first.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	for _, url := range []string{first.Endpoint + "/healthz", first.HTTPEndpoint + "/readyz"} {
		res, err := (&http.Client{Transport: transport}).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, res.Status)
		}
	}
	p.terminate()
	p, again := startService(t, data)
	if again.AccessKey != first.AccessKey || again.Endpoint != first.Endpoint || again.SubscriptionID != first.SubscriptionID {
		t.Errorf("the restarted service is another one: %+v, then %+v", first, again)
	}
	p.terminate()
}

func TestServe_FolderInUseAndJSON(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := startProgram(t, nil, "serve", "--data", data, "--json", "--turn", "off")
	p.says("}\n", startLimit)
	var c server.Connection
	if err := json.Unmarshal([]byte(p.output.String()), &c); err != nil || c.Endpoint == "" {
		t.Errorf("%v: %s", err, p.output)
	}
	if code, _, stderr := runHere(t, "serve", "--data", data); code != exitFailed || !strings.Contains(stderr, "in use") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	p.terminate()
}

// TestCall_TwoTerminals lets two processes talk over a third.
func TestCall_TwoTerminals(t *testing.T) {
	dir := t.TempDir()
	service, _ := startService(t, filepath.Join(dir, "data"))
	connection := filepath.Join(dir, "data", "connection.json")
	speech := map[string][]byte{"alice": samples.SpeechCaller(), "bob": samples.SpeechCallee()}
	for name, data := range speech {
		if err := os.WriteFile(filepath.Join(dir, name+".ogg"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := func(name string, more ...string) []string {
		return append([]string{
			"call", "--connection", connection, "--as", name,
			"--audio", filepath.Join(dir, name+".ogg"), "--record", filepath.Join(dir, "heard-by-"+name+".wav"),
		}, more...)
	}
	bob := startProgram(t, nil, args("bob", "--answer", "--loop")...)
	bob.says("waiting for a call", startLimit)
	alice := startProgram(t, nil, args("alice", "--to", "bob", "--seconds", "5", "--dtmf", "42#", "--json")...)
	bob.says("alice calls", startLimit)
	for name, p := range map[string]*process{"alice": alice, "bob": bob} {
		if code := p.wait(startLimit); code != 0 {
			t.Errorf("%s: exit %d", name, code)
		}
	}
	bob.says("tone #", time.Second)
	for line := range strings.Lines(alice.stdout.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil || event["event"] == nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	// Alice's tones sound within her speech: what she hears is compared.
	said := read(t, filepath.Join(dir, "bob.ogg"))
	heard := read(t, filepath.Join(dir, "heard-by-alice.wav"))
	heard = heard[:min(len(heard), 4*audiocheck.SampleRate)]
	said = said[:min(len(said), len(heard)-audiocheck.SampleRate/2)]
	if got := audiocheck.Compare(track(said, 0), track(heard, inHand), []audiocheck.Span{{To: inHand}}); got.Envelope < 0.9 {
		t.Errorf("alice heard something else than bob said: envelope %.3f, waveform %.3f", got.Envelope, got.Waveform)
	}
	service.terminate()
}

// inHand is how much of the first words may be missing: bob speaks as soon as
// he has answered, and the path may not be there yet.
const inHand = 600 * time.Millisecond

// read returns the audio of a file from its first sound on.
func read(t *testing.T, path string) []int16 {
	t.Helper()
	f, err := media.OpenAudioFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []int16
	frame := make([]int16, media.AudioFrameSamples)
	for f.ReadAudio(frame) == nil {
		if len(out) == 0 && !loud(frame) {
			continue
		}
		out = append(out, frame...)
	}
	if len(out) < audiocheck.SampleRate {
		t.Fatalf("%s holds no second of sound", path)
	}
	return out
}

func loud(frame []int16) bool {
	for _, s := range frame {
		if s > 500 || s < -500 {
			return true
		}
	}
	return false
}

// track lays audio on a timeline; the start of what was heard is not known to
// the frame, so it is given some time in hand.
func track(samples []int16, later time.Duration) audiocheck.Track {
	samples = append(make([]int16, int(later.Seconds()*audiocheck.SampleRate)), samples...)
	length := time.Duration(len(samples)) * time.Second / audiocheck.SampleRate
	return audiocheck.Track{Samples: samples, Recorded: []audiocheck.Span{{To: length}}}
}

func TestCall_Failures(t *testing.T) {
	dir := t.TempDir()
	service, _ := startService(t, filepath.Join(dir, "data"))
	connection := filepath.Join(dir, "data", "connection.json")
	cases := map[string]struct {
		args []string
		want string
	}{
		"no connection file": {[]string{"--connection", filepath.Join(dir, "none.json"), "--as", "a", "--to", "b"}, "connection file"},
		"nobody there":       {[]string{"--connection", connection, "--as", "a", "--to", "nobody"}, "480/10037"},
		"no such file":       {[]string{"--connection", connection, "--as", "a", "--to", "b", "--audio", filepath.Join(dir, "none.ogg")}, "audio"},
		"no user":            {[]string{"--connection", connection, "--as", "8:nobody", "--to", "b"}, "IdentityNotOwned"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runHere(t, append([]string{"call"}, tc.args...)...)
			if code != exitFailed || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, %q", code, stderr)
			}
		})
	}
	service.terminate()
}
