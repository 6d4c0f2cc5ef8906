package main

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
)

const suitesFolder = ".." // the folder of the suites

// What exercised.json names is what the suites install.
func TestExercisedPackagesAreInstalled(t *testing.T) {
	installed, err := readPackages(suitesFolder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(suitesFolder + "/exercised.json")
	if err != nil {
		t.Fatal(err)
	}
	var file exercisedFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Exercised) == 0 {
		t.Fatal("exercised.json is empty")
	}
	for _, e := range file.Exercised {
		if !installed.installed[release{e.Package, e.Version}] {
			t.Errorf("%s %s is not installed", e.Package, e.Version)
		}
	}
	for said, is := range misnamedTable {
		if !installed.installed[release{said.name, is}] {
			t.Errorf("%s %s, which calls itself %s, is not installed", said.name, is, said.version)
		}
	}
}

func TestPackageOf(t *testing.T) {
	installed, err := readPackages(suitesFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		agent, name, version string
		err                  error
	}{
		{"azsdk-js-communication-chat/1.6.0-beta.4 core-rest-pipeline/1.16.0", "@azure/communication-chat", "1.6.0-beta.7", nil},
		{"azsdk-js-azure-communication-chat/1.4.0-beta.1", "@azure/communication-chat", "1.4.0-beta.2", nil},
		{"azsdk-js-communication-chat/9.9.9", "@azure/communication-chat", "", errNotInstalled},
		{"core-rest-pipeline/1.16.0 Node/22", commonPackage, installed.common, nil},
		{"azsdk-python-mgmt-communication/3.0.0 Python/3.13", "azure-mgmt-communication", "3.0.0", nil},
		{"azsdk-java-azure-communication-identity/1.4.10 (17)", "com.azure:azure-communication-identity", "1.4.10", nil},
		{"Go/go1.26 Azure-SDK-For-Go/v46.3.0 communication/2020", "github.com/Azure/azure-sdk-for-go", "v46.3.0", nil},
		{"curl/8", "", "", nil},
	} {
		name, version, err := packageOf(c.agent, installed)
		if name != c.name || version != c.version || !errors.Is(err, c.err) {
			t.Errorf("%s: %s %s, %v", c.agent, name, version, err)
		}
	}
}
