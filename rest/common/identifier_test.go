package common_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/rest/common"
)

// The identifiers and what the official SDKs send for them (azure-sdks 2.5),
// with the kind.
func everyKind() map[string]common.Identifier {
	return map[string]common.Identifier{
		`{"kind":"communicationUser","rawId":"8:acs:r_u","communicationUser":{"id":"8:acs:r_u"}}`: common.CommunicationUserIdentifier{ID: "8:acs:r_u"},
		`{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123","isAnonymous":false}}`: common.PhoneNumberIdentifier{
			PhoneNumber: "+14255550123",
		},
		`{"kind":"phoneNumber","rawId":"4:anonymous","phoneNumber":{"value":"anonymous","isAnonymous":true}}`: common.PhoneNumberIdentifier{PhoneNumber: "anonymous"},
		`{"kind":"phoneNumber","rawId":"4:+1425_7a","phoneNumber":{"value":"+1425","isAnonymous":false,"assertedId":"7a"}}`: common.PhoneNumberIdentifier{
			PhoneNumber: "+1425", AssertedID: "7a",
		},
		`{"kind":"microsoftTeamsUser","rawId":"8:orgid:u","microsoftTeamsUser":{"userId":"u","isAnonymous":false,"cloud":"public"}}`: common.MicrosoftTeamsUserIdentifier{
			UserID: "u", Cloud: common.CloudPublic,
		},
		`{"kind":"microsoftTeamsUser","rawId":"8:gcch:u","microsoftTeamsUser":{"userId":"u","isAnonymous":false,"cloud":"gcch"}}`: common.MicrosoftTeamsUserIdentifier{
			UserID: "u", Cloud: common.CloudGCCH,
		},
		`{"kind":"microsoftTeamsUser","rawId":"8:teamsvisitor:v","microsoftTeamsUser":{"userId":"v","isAnonymous":true,"cloud":"public"}}`: common.MicrosoftTeamsUserIdentifier{
			UserID: "v", Anonymous: true, Cloud: common.CloudPublic,
		},
		`{"kind":"microsoftTeamsApp","rawId":"28:dod:b","microsoftTeamsApp":{"appId":"b","cloud":"dod"}}`: common.MicrosoftTeamsAppIdentifier{
			AppID: "b", Cloud: common.CloudDOD,
		},
		`{"kind":"teamsExtensionUser","rawId":"8:acs:r_t_u","teamsExtensionUser":{"userId":"u","tenantId":"t","resourceId":"r","cloud":"public"}}`: common.TeamsExtensionUserIdentifier{
			UserID: "u", TenantID: "t", ResourceID: "r", Cloud: common.CloudPublic,
		},
		`{"kind":"unknown","rawId":"48:conversations"}`: common.UnknownIdentifier{ID: "48:conversations"},
	}
}

func TestIdentifierModel_EveryKind(t *testing.T) {
	for text, id := range everyKind() {
		data, err := json.Marshal(common.NewIdentifierModel(id))
		if err != nil || string(data) != text {
			t.Errorf("%s, %v\nwant %s", data, err, text)
		}
		var m common.IdentifierModel
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Identifier(); err != nil || got != id {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
		if got, err := common.ParseRawID(id.RawID()); err != nil || got != id || !slices.Contains(common.PossibleIdentifierKindValues(), got.Kind()) {
			t.Errorf("ParseRawID(%q) = %#v, %v", id.RawID(), got, err)
		}
	}
}

func TestIdentifierModel_AsOthersSendIt(t *testing.T) {
	for text, want := range map[string]common.Identifier{
		`{"communicationUser":{"id":"8:acs:r_u"}}`:                                             common.CommunicationUserIdentifier{ID: "8:acs:r_u"},
		`{"rawId":"x","communicationUser":{"id":"8:acs:r_u"},"kind":"somethingElse"}`:          common.CommunicationUserIdentifier{ID: "8:acs:r_u"},
		`{"phoneNumber":{"value":"+1425"}}`:                                                    common.PhoneNumberIdentifier{PhoneNumber: "+1425"},
		`{"rawId":"4:+1425_7a","phoneNumber":{"value":"+1425"}}`:                               common.PhoneNumberIdentifier{PhoneNumber: "+1425", AssertedID: "7a"},
		`{"rawId":"4:+1425_7a","phoneNumber":{}}`:                                              common.PhoneNumberIdentifier{PhoneNumber: "+1425", AssertedID: "7a"},
		`{"rawId":"4:+1_7a","phoneNumber":{"value":"+2"}}`:                                     common.PhoneNumberIdentifier{PhoneNumber: "+2"},
		`{"phoneNumber":{"isAnonymous":true}}`:                                                 common.PhoneNumberIdentifier{PhoneNumber: "anonymous"},
		`{"microsoftTeamsUser":{"userId":"u"}}`:                                                common.MicrosoftTeamsUserIdentifier{UserID: "u", Cloud: common.CloudPublic},
		`{"microsoftTeamsUser":{"userId":"u","cloud":"moon"}}`:                                 common.MicrosoftTeamsUserIdentifier{UserID: "u", Cloud: common.CloudPublic},
		`{"microsoftTeamsUser":{"userId":"v","isAnonymous":true,"cloud":"dod"}}`:               common.MicrosoftTeamsUserIdentifier{UserID: "v", Anonymous: true, Cloud: common.CloudPublic},
		`{"microsoftTeamsApp":{"appId":"b","more":1}}`:                                         common.MicrosoftTeamsAppIdentifier{AppID: "b", Cloud: common.CloudPublic},
		`{"teamsExtensionUser":{"userId":"u","tenantId":"t","resourceId":"r","cloud":"gcch"}}`: common.TeamsExtensionUserIdentifier{UserID: "u", TenantID: "t", ResourceID: "r", Cloud: common.CloudGCCH},
		`{"rawId":"8:acs:r_u"}`:                                                                common.UnknownIdentifier{ID: "8:acs:r_u"},
	} {
		var m common.IdentifierModel
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Identifier(); err != nil || got != want {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
	}
}

func TestIdentifierModel_Invalid(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"kind":"communicationUser"}`, `{"rawId":""}`, `{"rawId":"a b"}`, `{"communicationUser":{}}`, `{"communicationUser":{"id":""}}`,
		`{"communicationUser":{"id":"8:acs:a\nb"}}`, `{"phoneNumber":{}}`, `{"rawId":"8:orgid:u","phoneNumber":{}}`, `{"microsoftTeamsUser":{}}`,
		`{"microsoftTeamsApp":{"cloud":"dod"}}`, `{"teamsExtensionUser":{"userId":"u","tenantId":"t"}}`,
		`{"communicationUser":{"id":"8:acs:r_u"},"phoneNumber":{"value":"+1"}}`,
	} {
		var m common.IdentifierModel
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if id, err := m.Identifier(); !errors.Is(err, common.ErrInvalidIdentifier) || id != nil {
			t.Errorf("%s: %#v, %v", text, id, err)
		}
	}
	if data, err := json.Marshal(common.NewIdentifierModel(nil)); err != nil || string(data) != "{}" {
		t.Errorf("nil: %s, %v", data, err)
	}
	if _, err := common.ParseRawID(""); !errors.Is(err, common.ErrInvalidIdentifier) {
		t.Errorf("%v", err)
	}
	if all := common.PossibleCloudEnvironmentValues(); len(all) != 3 {
		t.Errorf("%v", all)
	}
}

// TestSpecification_Identifiers reads every identifier in the examples of the
// specifications.
func TestSpecification_Identifiers(t *testing.T) {
	shared := os.Getenv("PARLEY_SHARED")
	if shared == "" {
		shared = "../shared"
	}
	if !filepath.IsAbs(shared) {
		shared = filepath.Join("../..", shared)
	}
	specs := filepath.Join(shared, "specs")
	if _, err := os.Stat(specs); err != nil {
		t.Logf("contract check NOT run: no specifications at PARLEY_SHARED (%s)", specs)
		return
	}
	seen := map[common.IdentifierKind]int{}
	err := filepath.WalkDir(specs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" || filepath.Base(filepath.Dir(path)) != "examples" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			return err
		}
		walk(v, func(o map[string]any) { readExample(t, path, o, seen) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen[common.KindCommunicationUser] < 50 || seen[common.KindPhoneNumber] < 5 {
		t.Errorf("read %v", seen)
	}
}

func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			walk(one, f)
		}
	case map[string]any:
		f(v)
		for _, one := range v {
			walk(one, f)
		}
	}
}

func readExample(t *testing.T, path string, o map[string]any, seen map[common.IdentifierKind]int) {
	t.Helper()
	isOne := false
	for _, name := range []string{"communicationUser", "phoneNumber", "microsoftTeamsUser", "microsoftTeamsApp", "teamsExtensionUser"} {
		_, isObject := o[name].(map[string]any)
		isOne = isOne || isObject
	}
	if !isOne {
		return
	}
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var m common.IdentifierModel
	if err := json.Unmarshal(data, &m); err != nil {
		t.Errorf("%s: %s: %v", path, data, err)
		return
	}
	id, err := m.Identifier()
	if err != nil {
		t.Errorf("%s: %s: %v", path, data, err)
		return
	}
	seen[id.Kind()]++
	if kind, ok := o["kind"].(string); ok && !strings.EqualFold(kind, string(id.Kind())) {
		t.Errorf("%s: %s is a %s", path, data, id.Kind())
	}
}

func FuzzParseRawID(f *testing.F) {
	for _, id := range everyKind() {
		f.Add(id.RawID())
	}
	f.Add("")
	f.Add("4:_")
	f.Fuzz(func(t *testing.T, raw string) {
		id, err := common.ParseRawID(raw)
		if err != nil {
			if !errors.Is(err, common.ErrInvalidIdentifier) || id != nil {
				t.Fatalf("%q: %v, %v", raw, id, err)
			}
			return
		}
		data, err := json.Marshal(common.NewIdentifierModel(id))
		if err != nil {
			t.Fatal(err)
		}
		var m common.IdentifierModel
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		if again, err := m.Identifier(); err != nil || again != id || id.RawID() != raw {
			t.Fatalf("%q: %#v, then %s, then %#v, %v", raw, id, data, again, err)
		}
	})
}

func FuzzIdentifierModel(f *testing.F) {
	for text := range everyKind() {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"rawId":"4:a_b","phoneNumber":{"assertedId":"c"}}`))
	f.Add([]byte(`{"kind":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m common.IdentifierModel
		if json.Unmarshal(data, &m) != nil {
			return
		}
		id, err := m.Identifier()
		if err != nil {
			if !errors.Is(err, common.ErrInvalidIdentifier) || id != nil {
				t.Fatalf("%s: %v, %v", data, id, err)
			}
			return
		}
		if again, err := common.NewIdentifierModel(id).Identifier(); err != nil || again != id {
			t.Fatalf("%s: %#v, then %#v, %v", data, id, again, err)
		}
	})
}
