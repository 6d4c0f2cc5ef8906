//go:build bind

package bind_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// swiftSources are the files of the Swift layer and of the sample.
func swiftSources(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../../bind/ios/Sources/Parley/*.swift", "../../bind/ios/sample/*/*.swift"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	return files
}

// checkSwift holds Swift sources against the listing of the generated classes.
func checkSwift(t *testing.T, files ...string) (string, error) {
	t.Helper()
	need(t, "python3")
	args := append([]string{"../../bind/testdata/api-objc.txt"}, files...)
	if len(files) > 1 {
		args = append([]string{"--complete"}, args...)
	}
	out, err := exec.CommandContext(t.Context(), "../../bind/ios/check-swift", args...).CombinedOutput()
	return string(out), err
}

// TestSwift checks every use that the Swift sources make of the generated
// classes, and that they leave none of their methods out. They are not compiled here: that needs a Mac (bind/ios/verify).
func TestSwift(t *testing.T) {
	out, err := checkSwift(t, swiftSources(t)...)
	t.Log(out)
	if err != nil {
		t.Error(err)
	}
}

// TestSwift_Mistakes_AreFound breaks the sources one way at a time.
func TestSwift_Mistakes_AreFound(t *testing.T) {
	for _, m := range []struct{ file, from, to, want string }{
		{"Call.swift", "try core.hangUp()", "core.hangUp()", "there is no try"},
		{"Call.swift", "core.isMuted()", "try core.isMuted()", "does not throw"},
		{"Call.swift", "core.isMuted()", "core.isMuted", "is a method"},
		{"Call.swift", "core.sendDTMF(tones)", "core.sendDTMF(tones: tones)", "takes (_), not (tones)"},
		{"Call.swift", "settings.muted = isMuted", "settings.silent = isMuted", "has no silent"},
		{"Call.swift", "message.participant.map", "message.sender.map", "has no sender"},
		{"Call.swift", "state: Int32) {", "state: Int) {", "onCallStateChanged is"},
		{"Call.swift", "func onMutedChanged", "func onMuted", "lacks ParleyMobileCallListener.onMutedChanged"},
		{"Client.swift", "ParleyMobileNewClient(settings, $0)", "ParleyMobileNewClient(settings)", "takes 2 arguments"},
		{"Chat.swift", "= core.waiting()", "= core.unsent()", "has no unsent"},
		{"Chat.swift", `addParticipant(user, displayName: name)`, "addParticipant(user)", "takes (_, displayName), not (_)"},
		{"Credential.swift", "refreshToken(_ error: NSErrorPointer)", "refreshToken()", "lacks ParleyMobileTokenRefresher.refreshToken"},
		{"Video.swift", "client.core.newVideoSource", "client.core.videoSource", "has no videoSource"},
		{"Video.swift", "ParleyMobileFrameSent", "ParleyMobileFrameGone", "there is no ParleyMobileFrameGone"},
		{"Lifecycle.swift", "core.networkChanged()", "core.networkLost()", "has no networkLost"},
	} {
		source, err := os.ReadFile(filepath.Join("../../bind/ios/Sources/Parley", m.file))
		if err != nil {
			t.Fatal(err)
		}
		broken := strings.Replace(string(source), m.from, m.to, 1)
		if broken == string(source) {
			t.Errorf("%s has no %q", m.file, m.from)
			continue
		}
		path := filepath.Join(t.TempDir(), m.file)
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := checkSwift(t, path)
		if err == nil || !strings.Contains(out, m.want) {
			t.Errorf("%s with %q: %v, %s", m.file, m.to, err, out)
		}
	}
}

// TestSwift_Syntax parses the Swift sources, the manifest of the package and the
// README's programs, and sees that what is no Swift is found.
func TestSwift_Syntax(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import ensurepip, venv").Run(); err != nil {
		testkit.Missing(t, "python3 with venv is not installed: scripts/setup bind")
	}
	parse := func(files ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "../../bind/ios/check-syntax", files...).CombinedOutput()
		return string(out), err
	}
	out, err := parse(append(swiftSources(t), "../../bind/ios/Package.swift", "../../bind/ios/README.md")...)
	if t.Log(out); err != nil {
		t.Error(err)
	}
	for _, m := range []struct{ file, from, to string }{
		{"Call.swift", "public func hangUp() async throws {", "public func hangUp() async throws"},
		{"Call.swift", "case connected = 4", "case connected == 4"},
		{"Client.swift", "settings.userAgent = options", "settings.userAgent = = options"},
		{"CallKitBridge.swift", "case .announced: accepting", "case .announced accepting"},
	} {
		source, err := os.ReadFile(filepath.Join("../../bind/ios/Sources/Parley", m.file))
		if err != nil || !strings.Contains(string(source), m.from) {
			t.Fatalf("%s has no %q: %v", m.file, m.from, err)
		}
		broken := filepath.Join(t.TempDir(), m.file)
		if err := os.WriteFile(broken, []byte(strings.Replace(string(source), m.from, m.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := parse(broken); err == nil || !strings.Contains(out, "no Swift") {
			t.Errorf("%s with %q: %v, %s", m.file, m.to, err, out)
		}
	}
}

// swiftReference runs bind/ios/reference.
func swiftReference(t *testing.T, args ...string) (string, error) {
	t.Helper()
	need(t, "python3")
	out, err := exec.CommandContext(t.Context(), "../../bind/ios/reference", args...).CombinedOutput()
	return string(out), err
}

// TestSwift_Reference makes the reference page: every public declaration has a
// comment, and every link in the page a place.
func TestSwift_Reference(t *testing.T) {
	folder := t.TempDir()
	out, err := swiftReference(t, folder)
	if t.Log(out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]bool{}
	for _, id := range regexp.MustCompile(`id="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
		if places[id[1]] {
			t.Errorf("two places are called %s", id[1])
		}
		places[id[1]] = true
	}
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
		if !places[link[1]] {
			t.Errorf("a link goes to %s, which is not there", link[1])
		}
	}
	for _, name := range []string{"Client", "Call.hangUp", "CallState.connected", "Client.registerPush-_-deviceID-token-voIPToken-sandbox", "Push.Kind.call"} {
		if !places[name] {
			t.Errorf("the page has no %s", name)
		}
	}
	source, err := os.ReadFile("../../bind/ios/Sources/Parley/Call.swift")
	if err != nil {
		t.Fatal(err)
	}
	for _, comment := range []string{"/// Leaves the call", "/// They talk.", "/// The call has another state.", "/// The defaults."} {
		broken := filepath.Join(t.TempDir(), "Call.swift")
		if err := os.WriteFile(broken, []byte(strings.Replace(string(source), comment, "//", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := swiftReference(t, t.TempDir(), broken); err == nil || !strings.Contains(out, "has no comment") {
			t.Errorf("without %q: %v, %s", comment, err, out)
		}
	}
}

// TestSwift_Snippets holds what the README and the sample call of the Swift API
// against it.
func TestSwift_Snippets(t *testing.T) {
	files, err := filepath.Glob("../../bind/ios/sample/*/*.swift")
	if err != nil {
		t.Fatal(err)
	}
	readme := "../../bind/ios/README.md"
	out, err := swiftReference(t, append([]string{"--uses", readme}, files...)...)
	if t.Log(out); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ from, to, want string }{
		{"client.makeCallAgent(", "client.callAgent(", "there is no callAgent"},
		{"bridge.stopRinging(call, reason: reason)", "bridge.stopRinging(call)", "stopRinging does not take (_)"},
		{"clientID: \"greeting-1\"", "client: \"greeting-1\"", "send does not take (_, client)"},
		{"ClientOptions(endpoint:", "ClientOptions(address:", "ClientOptions does not take (address)"},
		{"= try Credential {", "= try Client {", "Client does not take ()"},
	} {
		broken := filepath.Join(t.TempDir(), "README.md")
		if err := os.WriteFile(broken, []byte(strings.Replace(string(text), m.from, m.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := swiftReference(t, "--uses", broken); err == nil || !strings.Contains(out, m.want) {
			t.Errorf("with %q: %v, %s", m.to, err, out)
		}
	}
}

// TestSwift_Enums_HaveTheNumbersOfGo holds the raw values of the Swift layer
// against the constants of bind/mobile.
func TestSwift_Enums_HaveTheNumbersOfGo(t *testing.T) {
	all := func(pattern, expression string) [][]string {
		t.Helper()
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		var found [][]string
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, regexp.MustCompile(expression).FindAllStringSubmatch(string(source), -1)...)
		}
		return found
	}
	constants := all("../../bind/mobile/*.go", `(?m)^\t([A-Z]\w*)\s+int32\s+= (-?\d+)$`)
	numbers := regexp.MustCompile(`case (\w+) = (-?\d+)`)
	enums := map[string]map[string]string{}
	for _, enum := range all("../../bind/ios/Sources/Parley/*.swift", `(?s)enum (\w+): Int32[^{]*\{(.*?)\n *\}`) {
		values := map[string]string{}
		for _, value := range numbers.FindAllStringSubmatch(enum[2], -1) {
			values[value[2]] = value[1]
		}
		if enums[enum[1]] == nil {
			enums[enum[1]] = values
			continue
		}
		// Kind is the name of two.
		enums[enum[1]+"2"] = values
	}
	own := map[string]string{"ErrorCodeInternal": "internalError", "CallStateNone": "initial"}
	for enum, prefix := range map[string]string{
		"Code": "ErrorCode", "LogLevel": "LogLevel", "ConnectionState": "ConnectionState", "CallState": "CallState",
		"MediaState": "MediaState", "ParticipantChange": "ParticipantChange", "ParticipantState": "ParticipantState",
		"ChatChange": "ChatChange", "ChatConnection": "ChatConnection", "Kind": "MessageType", "Kind2": "PushKind", "VideoCodec": "VideoCodec",
	} {
		count := 0
		for _, constant := range constants {
			name, has := strings.CutPrefix(constant[1], prefix)
			if !has {
				continue
			}
			count++
			want := name
			if other := own[constant[1]]; other != "" {
				want = other
			}
			if got := enums[enum][constant[2]]; !strings.EqualFold(got, want) {
				t.Errorf("%s is %s in Go; in Swift that is %s.%s", constant[1], constant[2], enum, got)
			}
		}
		if count == 0 || count != len(enums[enum]) {
			t.Errorf("%s has %d numbers in Go and %d in Swift", enum, count, len(enums[enum]))
		}
	}
}

// TestApplePackage holds the files of the package against one another.
func TestApplePackage(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("../../bind/ios", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	manifest := read("Sources/Parley/PrivacyInfo.xcprivacy")
	for decoder := xml.NewDecoder(strings.NewReader(manifest)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the privacy manifest: %v", err)
		}
	}
	for _, key := range []string{"NSPrivacyTracking", "NSPrivacyTrackingDomains", "NSPrivacyCollectedDataTypes", "NSPrivacyAccessedAPITypes"} {
		if !strings.Contains(manifest, "<key>"+key+"</key>") {
			t.Errorf("the privacy manifest has no %s", key)
		}
	}
	targets := regexp.MustCompile(`name: "(Parley\w*)"`).FindAllStringSubmatch(read("Package.swift"), -1)
	if len(targets) < 3 {
		t.Fatalf("Package.swift names %d targets", len(targets))
	}
	for _, target := range targets {
		// The framework is made by make bind-ios.
		if target[1] == "ParleyCore" {
			continue
		}
		if _, err := os.Stat(filepath.Join("../../bind/ios/Sources", target[1])); err != nil {
			t.Errorf("Package.swift: %v", err)
		}
	}
	pod := read("Parley.podspec")
	for _, pattern := range regexp.MustCompile(`"(Sources/[^"{]*)[^"]*"`).FindAllStringSubmatch(pod, -1) {
		found, err := filepath.Glob(filepath.Join("../../bind/ios", strings.TrimSuffix(strings.ReplaceAll(pattern[1], "**", "*"), ".")))
		if err != nil || len(found) == 0 {
			t.Errorf("Parley.podspec: nothing is %s", pattern[1])
		}
	}
	// One minimum everywhere.
	for name, want := range map[string]string{
		"Package.swift": ".iOS(.v13)", "Parley.podspec": `deployment_target = "13.0"`,
		"../../scripts/bind-ios": "-iosversion=13.0", "../../scripts/opus-static": "ios_min=13.0",
	} {
		if !strings.Contains(read(name), want) {
			t.Errorf("%s does not say %s", name, want)
		}
	}
}
