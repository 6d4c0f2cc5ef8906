package contract_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/contract"
)

// users is a specification of two operations that the service has.
const users = `{"swagger":"2.0","info":{"title":"t","version":"1"},"produces":["application/json"],
"paths":{
 "/identities":{"post":{"operationId":"Create","responses":{
  "201":{"description":"","schema":{"type":"object","properties":{"identity":{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}}}},
  "default":{"description":"","schema":{"type":"object","properties":{"error":{"type":"object"}}}}}}},
 "/identities/{id}":{"delete":{"operationId":"Delete","responses":{"204":{"description":""}}}}}}`

// usersFolder has it as the first and the only specification of identity.
func usersFolder(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "identity", "2021-03-07")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "CommunicationIdentity.json"), []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// line is an exchange of the recording that the tests change a little.
const line = `{"area":"identity","operation":"CommunicationIdentity_Create","version":"2023-10-01","contract":"2023-10-01",` +
	`"method":"POST","route":"/identities","status":201,` +
	`"header":{"Api-Supported-Versions":"2023-10-01","Content-Type":"application/json; charset=utf-8"},"body":{"identity":{"id":"8:acs:a_b"}}}`

func TestCheckRecording(t *testing.T) {
	root := usersFolder(t)
	failed := strings.NewReplacer(`"status":201`, `"status":400`, `{"identity":{"id":"8:acs:a_b"}}`, `{"error":{"code":"BadRequest","message":"no"}}`,
		`"Content-Type"`, `"X-Ms-Error-Code":"BadRequest","Content-Type"`).Replace(line)
	preview := strings.ReplaceAll(line, "2023-10-01", "2025-03-02-preview")
	for name, c := range map[string]struct {
		line    string
		problem string // none is empty
		beyond  bool
	}{
		"Good":            {line: line},
		"Error":           {line: failed},
		"CustomID":        {line: strings.Replace(preview, `"id":"8:acs:a_b"`, `"id":"8:acs:a_b","customId":"c"`, 1), beyond: true},
		"Get":             {line: strings.NewReplacer("Identity_Create", "Identity_Get", "POST", "GET", "/identities", "/identities/{id}", "201", "200").Replace(preview), beyond: true},
		"Mismatch":        {line: strings.Replace(line, `"id":"8:acs:a_b"`, `"id":1`, 1), problem: "does not match"},
		"Undeclared":      {line: strings.Replace(line, `"id":"8:acs:a_b"`, `"id":"a","ID":"b"`, 1), problem: ".identity.ID"},
		"UndeclaredToo":   {line: strings.Replace(preview, `"id":"8:acs:a_b"`, `"id":"a","customId":"c","x":1`, 1), problem: ".identity.x"},
		"Status":          {line: strings.Replace(line, "201", "200", 1), problem: "not in the specification"},
		"NoVersions":      {line: strings.Replace(line, "Api-Supported-Versions", "X", 1), problem: "Api-Supported-Versions"},
		"NoContentType":   {line: strings.Replace(line, "Content-Type", "X", 1), problem: `JSON as ""`},
		"NoCode":          {line: strings.Replace(failed, "X-Ms-Error-Code", "X", 1), problem: "the header says"},
		"OtherCode":       {line: strings.Replace(failed, `"code":"BadRequest"`, `"code":"NotFound"`, 1), problem: "the header says"},
		"NoMessage":       {line: strings.Replace(failed, `"message":"no"`, `"message":""`, 1), problem: "no code or message"},
		"NoNotice":        {line: strings.ReplaceAll(line, "2023-10-01", "2023-08-01"), problem: "notice of the end"},
		"NeedlessNotice":  {line: strings.Replace(line, `"header":{`, `"header":{"Deprecation":"@1","Sunset":"Sat, 01 Dec 2029 00:00:00 GMT",`, 1), problem: "notice of the end"},
		"NoSuchOperation": {line: strings.Replace(line, "Identity_Create", "Identity_Make", 1), problem: "is no operation"},
	} {
		result, err := contract.CheckRecording(root, strings.NewReader(line+"\n"+c.line+"\n"+c.line+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.problem == "" && len(result.Problems) > 0 || c.problem != "" && (len(result.Problems) != 1 || !strings.Contains(result.Problems[0], c.problem)) {
			t.Errorf("%s: %q, want %q", name, result.Problems, c.problem)
		}
		if (len(result.Unspecified) > 0) != c.beyond || len(result.Checked) == 0 {
			t.Errorf("%s: checked %v, beyond the specification %v", name, slices.Collect(maps.Keys(result.Checked)), result.Unspecified)
		}
	}
	for name, bad := range map[string]string{
		"NoJSON": "{", "NoArea": strings.Replace(line, `"identity"`, `"nothing"`, 1), "BeforeTheFirst": strings.ReplaceAll(line, "2023-10-01", "2019-01-01"),
		"NoVersion": strings.ReplaceAll(line, "2023-10-01", "new"), "OtherFolder": strings.Replace(line, `"identity"`, `"../identity"`, 1),
	} {
		if _, err := contract.CheckRecording(root, strings.NewReader(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzCheckRecording(f *testing.F) {
	f.Add([]byte(line))
	root := usersFolder(f)
	f.Fuzz(func(t *testing.T, recording []byte) {
		result, err := contract.CheckRecording(root, bytes.NewReader(recording))
		if (err == nil) == (result == nil) {
			t.Error(err)
		}
	})
}
