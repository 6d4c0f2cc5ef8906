package common_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/common"
)

func specifications(t *testing.T) string {
	t.Helper()
	root := testkit.Specifications()
	if root == "" {
		testkit.Missing(t, "the specifications of ACS are not there (PARLEY_SHARED)")
	}
	return root
}

// TestSpecifications_Members holds the models against the newest specification
// of the shared types.
func TestSpecifications_Members(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(specifications(t), "common", "2025-06-30", "common.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Definitions map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
			Enum       []string                   `json:"enum"`
		} `json:"definitions"`
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	for name, model := range map[string]any{
		"CommunicationIdentifierModel": common.IdentifierModel{}, "CommunicationUserIdentifierModel": common.CommunicationUserModel{},
		"PhoneNumberIdentifierModel": common.PhoneNumberModel{}, "MicrosoftTeamsUserIdentifierModel": common.MicrosoftTeamsUserModel{},
		"MicrosoftTeamsAppIdentifierModel": common.MicrosoftTeamsAppModel{}, "TeamsExtensionUserIdentifierModel": common.TeamsExtensionUserModel{},
	} {
		got, want := map[string]bool{}, map[string]bool{}
		for field := range reflect.TypeOf(model).Fields() {
			member, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			got[member] = true
		}
		for member := range spec.Definitions[name].Properties {
			want[member] = true
		}
		if len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	kinds, clouds := map[string]bool{}, map[string]bool{}
	for _, k := range common.PossibleIdentifierKindValues() {
		kinds[string(k)] = true
	}
	for _, c := range common.PossibleCloudEnvironmentValues() {
		clouds[string(c)] = true
	}
	for name, got := range map[string]map[string]bool{"CommunicationIdentifierModelKind": kinds, "CommunicationCloudEnvironmentModel": clouds} {
		want := map[string]bool{}
		for _, value := range spec.Definitions[name].Enum {
			want[value] = true
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// identifiers calls f with every identifier in a document.
func identifiers(v any, f func(object map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			identifiers(one, f)
		}
	case map[string]any:
		for _, kind := range []string{"communicationUser", "phoneNumber", "microsoftTeamsUser", "microsoftTeamsApp", "teamsExtensionUser"} {
			if _, ok := v[kind].(map[string]any); ok {
				f(v)
				break
			}
		}
		for _, one := range v {
			identifiers(one, f)
		}
	}
}

// TestSpecifications_Identifiers reads and writes every identifier in the
// examples of all areas.
func TestSpecifications_Identifiers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(specifications(t), "*", "*", "examples", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := json.Unmarshal(data, &document); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		identifiers(document, func(object map[string]any) {
			n++
			shown, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			var model common.IdentifierModel
			if err := json.Unmarshal(shown, &model); err != nil {
				t.Errorf("%s: %v", file, err)
				return
			}
			written, err := json.Marshal(model)
			if err != nil {
				t.Fatal(err)
			}
			testkit.SameJSON(t, file, written, shown)
			if id, err := model.Identifier(); err != nil || (model.RawID != nil && model.PhoneNumber == nil && id.RawID() != *model.RawID) {
				t.Errorf("%s: %s is %v, %v", file, shown, id, err)
			}
		})
	}
	if n < 100 {
		t.Errorf("only %d identifiers", n)
	}
}
