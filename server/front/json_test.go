package front_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-rtc/parley/server/front"
)

// What encoding/json puts into one field stands twice, whatever its case; what
// a map keeps apart does not.
func TestDecode_MembersThatDifferInCase(t *testing.T) {
	type inner struct {
		Code *string `json:"code"`
	}
	type outer struct {
		Scopes   []string          `json:"createTokenWithScopes"`
		Inner    *inner            `json:"inner"`
		List     []inner           `json:"list"`
		ByName   map[string]*inner `json:"byName"`
		Metadata map[string]string `json:"metadata"`
		Any      any               `json:"any"`
	}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `"member%d":%d,`, i, i)
	}
	for _, test := range []struct {
		name, body string
		refused    bool
	}{
		{"one, in another case", `{"CreateTokenWithScopes":["chat"]}`, false},
		{"both cases", `{"createTokenWithScopes":["chat"],"CreateTokenWithScopes":["voip"]}`, true},
		{"neither is the model's", `{"CREATETokenWithScopes":[],"CreateTokenWithScopes":[]}`, true},
		{"escaped", `{"createTokenWithScopes":[],"\u0043reateTokenWithScopes":[]}`, true},
		{"the long s", `{"createTokenWithScopes":[],"createTokenWithScopeſ":[]}`, true},
		{"the Kelvin sign", `{"createTokenWithScopes":[],"createTo\u212aenWithScopes":[]}`, true},
		{"the first and the last of many", `{"Inner":{},` + many.String() + `"inner":{}}`, true},
		{"two late ones of many", `{` + many.String() + `"inner":{},"INNER":{}}`, true},
		{"below", `{"inner":{"code":"a","Code":"b"}}`, true},
		{"in a list", `{"list":[{},{"code":"a","CODE":"b"}]}`, true},
		{"in a map's value", `{"byName":{"a":{"code":"a","Code":"b"}}}`, true},
		{"below a name in another case", `{"INNER":{"code":"a","Code":"b"}}`, true},
		{"names of a map", `{"metadata":{"a":"1","A":"2"},"byName":{"a":{},"A":{}}}`, false},
		{"what has no type", `{"any":{"code":"a","Code":"b"}}`, false},
		{"unknown", `{"x":1,"X":{"code":1,"Code":2}}`, false},
		{"in different objects", `{"list":[{"code":"a"},{"Code":"b"}]}`, false},
		{"one of many", `{` + many.String() + `"MEMBER1":0,"Inner":{}}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var v outer
			err := (&front.Request{Body: []byte(test.body)}).Decode(&v)
			var refused *front.Error
			if errors.As(err, &refused) != test.refused || !test.refused && err != nil {
				t.Fatalf("%v, read %+v", err, v)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range 1000 {
			fmt.Fprintf(&b, `"member%d":%d,`, i, i)
		}
		return b.String() + `"` + last + `":0}`
	}
	nested := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	for _, test := range []struct {
		name, body, code string // no code: fine
	}{
		{"object", `{"a":1,"b":[1,{"a":2}],"c":{"a":3}}`, ""},
		{"members that differ in case", `{"a":1,"A":2}`, ""},
		{"the same name in other objects", `[{"a":1},{"a":{"a":[{"a":1}]}}]`, ""},
		{"a name that is also a value", `{"a":"a","b":"a"}`, ""},
		{"a value that looks like a member", `{"a":"\"a\":1","b":"{\"b\":[[["}`, ""},
		{"empty", ``, ""},
		{"white space", " \n\t", ""},
		{"null", `null`, ""},
		{"surrogate pair", `{"a":"\ud83d\ude00"}`, ""},
		{"escaped name", `{"\u0061":1,"b":2}`, ""},
		{"many members", many("x"), ""},
		{"as deep as may be", nested(64), ""},
		{"deeper", nested(65), "BadRequest"},
		{"10,000 deep", nested(10000), "BadRequest"},
		{"10,000 deep objects", strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat(`}`, 10000), "BadRequest"},
		{"10,000 deep without end", strings.Repeat(`[`, 10000), "BadRequest"},
		{"duplicate", `{"a":1,"b":2,"a":3}`, "BadRequest"},
		{"duplicate below", `{"b":[{"a":1,"a":1}]}`, "BadRequest"},
		{"duplicate after an object", `{"a":{"b":1},"a":1}`, "BadRequest"},
		{"duplicate after a list", `{"a":[1,2],"a":1}`, "BadRequest"},
		{"duplicate, written otherwise", `{"a":1,"\u0061":2}`, "BadRequest"},
		{"duplicate among many", many("member500"), "BadRequest"},
		{"empty names", `{"":1,"":2}`, "BadRequest"},
		{"half a pair", `{"a":"\ud83d"}`, "BadRequest"},
		{"half a pair and something else", `{"a":"\ud83dx\ude00"}`, "BadRequest"},
		{"the other half", `{"a":"\ude00"}`, "BadRequest"},
		{"two first halves", `{"a":"\ud83d\ud83d"}`, "BadRequest"},
		{"half a pair in a name", `{"\ud83d":1}`, "BadRequest"},
		{"U+0000", `{"a":"x\u0000"}`, "BadRequest"},
		{"U+0000 in a name", `{"\\\u0000":1}`, "BadRequest"},
		{"an escaped backslash before u0000", `{"a":"\\u0000"}`, ""},
		{"not UTF-8", "{\"a\":\"\xff\"}", "BadRequest"},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", "BadRequest"},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "BadRequest"},
		{"byte order mark", "\xef\xbb\xbf{}", "BadRequest"},
		{"UTF-16", "{\x00}\x00", "BadRequest"},
		{"string without end", `{"a":"b`, "BadRequest"},
		{"string that ends in an escape", `"\`, "BadRequest"},
		{"escape cut off", `"\ud8`, "BadRequest"},
		{"unknown escape", `"\x41"`, "BadRequest"},
		{"comment", `{/**/}`, "BadRequest"},
		{"trailing comma", `{"a":1,}`, "BadRequest"},
		{"two values", `{} {}`, "BadRequest"},
		{"single quotes", `{'a':1}`, "BadRequest"},
		{"NaN", `NaN`, "BadRequest"},
		{"control character", "\"\x01\"", "BadRequest"},
		{"closing too much", `]}]}`, "BadRequest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var v any
			err := (&front.Request{Body: []byte(test.body)}).Decode(&v)
			var refused *front.Error
			if test.code == "" && err != nil || test.code != "" && (!errors.As(err, &refused) || refused.Code != test.code || refused.Status != 400) {
				t.Errorf("%v, want %q", err, test.code)
			}
		})
	}
	var v struct {
		A struct {
			B int `json:"b"`
		} `json:"a"`
	}
	err := (&front.Request{Body: []byte(`{"a":{"b":"x"}}`)}).Decode(&v)
	var refused *front.Error
	if !errors.As(err, &refused) || refused.Code != "ValidationError" || refused.Target != "a.b" {
		t.Errorf("%v", err)
	}
}

// FuzzDecode compares what is let through with a slow and simple reader.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		var v any
		err := (&front.Request{Body: body}).Decode(&v)
		if err != nil {
			var refused *front.Error
			if !errors.As(err, &refused) || refused.Status != 400 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("%q was let through", body)
		}
		if problem := walk(json.NewDecoder(bytes.NewReader(body))); problem != "" {
			t.Fatalf("%q was let through: %s", body, problem)
		}
	})
}

// walk looks for members that stand twice and for nesting without end.
func walk(d *json.Decoder) string {
	var names []map[string]bool // nil for an array
	var wantName []bool
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return ""
		}
		if err != nil {
			return err.Error()
		}
		n := len(names)
		switch token {
		case json.Delim('{'), json.Delim('['):
			if n > 0 && names[n-1] != nil {
				wantName[n-1] = true
			}
			names, wantName = append(names, nil), append(wantName, token == json.Delim('{'))
			if token == json.Delim('{') {
				names[n] = map[string]bool{}
			}
			if len(names) > 64 {
				return "too deep"
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			names, wantName = names[:n-1], wantName[:n-1]
			continue
		}
		if n == 0 || names[n-1] == nil {
			continue
		}
		if wantName[n-1] {
			name, _ := token.(string)
			if names[n-1][name] {
				return "twice: " + name
			}
			names[n-1][name] = true
		}
		wantName[n-1] = !wantName[n-1]
	}
}
