//go:build bind

package bind_test

import (
	"bytes"
	"debug/macho"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// requiredReasons are the functions of C for whose use Apple wants a reason, by the
// category that the privacy manifest has to name (Apple: "Describing use of required
// reason API").
var requiredReasons = map[string][]string{
	"NSPrivacyAccessedAPICategoryFileTimestamp": {
		"stat", "fstat", "lstat", "fstatat", "getattrlist", "fgetattrlist", "getattrlistat", "getattrlistbulk",
	},
	"NSPrivacyAccessedAPICategorySystemBootTime": {"mach_absolute_time"},
	"NSPrivacyAccessedAPICategoryDiskSpace":      {"statfs", "statvfs", "fstatfs", "fstatvfs"},
}

// everyObject is a program that reaches every method of what an application makes:
// the linker keeps all of them where one is called by its number.
const everyObject = `package main

import (
	"os"
	"reflect"

	"github.com/parley-rtc/parley/bind/mobile"
)

func main() {
	client, err := mobile.NewClient(nil)
	if err != nil {
		os.Exit(1)
	}
	for _, object := range []any{
		client, &mobile.Credential{}, &mobile.CallAgent{}, &mobile.IncomingCall{}, &mobile.Call{}, &mobile.Audio{},
		&mobile.VideoSource{}, &mobile.DataSender{}, &mobile.ChatClient{}, &mobile.ChatThread{}, &mobile.Outbox{},
	} {
		reflect.ValueOf(object).Method(os.Getpid()).Call(nil)
	}
}
`

// TestApplePrivacy links the library for Apple's processor and holds the functions
// of the system that it calls against the privacy manifest. It is linked for macOS,
// which needs none of Apple's tools; Go calls the same functions on iOS.
func TestApplePrivacy(t *testing.T) {
	// Inside of the module; the underscore hides it from ./...
	folder := filepath.Join(root, "out", "_privacy")
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "main.go"), []byte(everyObject), 0o600)); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(t.TempDir(), "every")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./out/_privacy")
	build.Dir = root
	build.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := macho.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	imported, err := file.ImportedSymbols()
	if err != nil || len(imported) < 50 {
		t.Fatalf("%d functions of the system, %v", len(imported), err)
	}
	declared := declaredReasons(t, filepath.Join(root, "bind/ios/Sources/Parley/PrivacyInfo.xcprivacy"))
	for category, functions := range requiredReasons {
		var called []string
		for _, name := range functions {
			if slices.Contains(imported, "_"+name) {
				called = append(called, name)
			}
		}
		if len(called) > 0 && len(declared[category]) == 0 {
			t.Errorf("%s is called, and the manifest has no reason for %s", strings.Join(called, ", "), category)
		}
		if len(called) == 0 && len(declared[category]) > 0 {
			t.Errorf("the manifest gives a reason for %s, which nothing uses", category)
		}
	}
}

// declaredReasons reads a privacy manifest: the reasons for each category.
func declaredReasons(t *testing.T, path string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string][]string{}
	category, key := "", ""
	for decoder := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return reasons
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || (start.Name.Local != "key" && start.Name.Local != "string") {
			continue
		}
		var value string
		if err := decoder.DecodeElement(&value, &start); err != nil {
			t.Fatal(err)
		}
		switch {
		case start.Name.Local == "key":
			key = value
		case key == "NSPrivacyAccessedAPIType":
			category = value
		case key == "NSPrivacyAccessedAPITypeReasons":
			reasons[category] = append(reasons[category], value)
		}
	}
}
