package front

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode"
)

// Up to here the names of an object are compared with each other, beyond they
// are kept in maps.
const fewNames = 16

// level is an object or array that is open.
type level struct {
	object bool
	name   bool // the next string is a member's name
	few    []string
	many   map[string]bool
	folded map[string]bool
}

// nameKind says what a name is beside those that its object has already.
type nameKind uint8

const (
	nameNew    nameKind = iota
	nameFolded          // differs in case only
	nameTwice
)

// add notes a name.
func (l *level) add(quoted []byte) nameKind {
	name := string(quoted[1 : len(quoted)-1])
	if strings.IndexByte(name, '\\') >= 0 && json.Unmarshal(quoted, &name) != nil {
		return nameNew // a syntax error, which is found later
	}
	if l.many != nil {
		return l.addMany(name)
	}
	kind := nameNew
	for _, other := range l.few {
		if other == name {
			return nameTwice
		}
		if strings.EqualFold(other, name) {
			kind = nameFolded
		}
	}
	l.few = append(l.few, name)
	if len(l.few) > fewNames {
		l.many, l.folded = make(map[string]bool, 2*len(l.few)), make(map[string]bool, 2*len(l.few))
		for _, other := range l.few {
			l.addMany(other)
		}
	}
	return kind
}

func (l *level) addMany(name string) nameKind {
	if l.many[name] {
		return nameTwice
	}
	folded := fold(name)
	kind := nameNew
	if l.folded[folded] {
		kind = nameFolded
	}
	l.many[name], l.folded[folded] = true, true
	return kind
}

// fold returns the same text for all that strings.EqualFold takes as equal.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // round to the smallest
			}
			r = next
		}
	}, name)
}

// namesTwice tells whether JSON has two members that encoding/json, which does
// not look at the case of names, puts into one field of a type. Elsewhere, as
// in maps, they are two. Syntax and types are none of its business.
func namesTwice(text []byte, t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() { //nolint:exhaustive // the others have no members
	case reflect.Struct:
		return namesFieldTwice(text, t)
	case reflect.Map:
		var members map[string]json.RawMessage
		_ = json.Unmarshal(text, &members)
		for _, value := range members {
			if namesTwice(value, t.Elem()) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		var values []json.RawMessage
		_ = json.Unmarshal(text, &values)
		for _, value := range values {
			if namesTwice(value, t.Elem()) {
				return true
			}
		}
	}
	return false
}

func namesFieldTwice(text []byte, t reflect.Type) bool {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(text, &members)
	seen := map[string]bool{}
	for name, value := range members {
		field, ok := fieldOf(t, name)
		if !ok {
			continue
		}
		if seen[field.Name] || namesTwice(value, field.Type) {
			return true
		}
		seen[field.Name] = true
	}
	return false
}

// fieldOf finds the field of a struct that a member goes into.
func fieldOf(t reflect.Type, member string) (reflect.StructField, bool) {
	var found reflect.StructField
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" || field.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		if name == member {
			return field, true
		}
		if found.Name == "" && strings.EqualFold(name, member) {
			found = field
		}
	}
	return found, found.Name != ""
}
