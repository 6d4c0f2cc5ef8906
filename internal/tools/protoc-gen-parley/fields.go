package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// kind is what the generated code says about a field.
type kind struct {
	goType, zero string
	// verb is the method of writer and of field, and with "size" before it the
	// function of codec.go; empty for messages, which have code of their own.
	verb string
	// number is the type that verb takes where goType is another one.
	number string
}

// kindOf fails for what this plugin does not know.
func kindOf(f *protogen.Field) (kind, error) {
	unknown := fmt.Errorf("%s: protoc-gen-parley knows no such field", f.Desc.FullName())
	d := f.Desc
	switch {
	case inOneof(f):
		if f.Message == nil {
			return kind{}, unknown
		}
		return kind{goType: "*" + f.Message.GoIdent.GoName, zero: "nil"}, nil
	case d.IsMap():
		if d.MapKey().Kind() != protoreflect.StringKind || d.MapValue().Kind() != protoreflect.StringKind {
			return kind{}, unknown
		}
		return kind{goType: "map[string]string", zero: "nil", verb: "textMap"}, nil
	case d.IsList():
		return list(f, unknown)
	case d.HasOptionalKeyword():
		if d.Kind() != protoreflect.StringKind {
			return kind{}, unknown
		}
		return kind{goType: "*string", zero: "nil", verb: "optionalText"}, nil
	default:
		return single(f, unknown)
	}
}

func single(f *protogen.Field, unknown error) (kind, error) {
	switch f.Desc.Kind() { //nolint:exhaustive // the others are refused below
	case protoreflect.Uint32Kind:
		return kind{goType: "uint32", zero: "0", verb: "varint", number: "uint64"}, nil
	case protoreflect.Uint64Kind:
		return kind{goType: "uint64", zero: "0", verb: "varint", number: "uint64"}, nil
	case protoreflect.Int32Kind:
		return kind{goType: "int32", zero: "0", verb: "varint", number: "uint64"}, nil
	case protoreflect.Int64Kind:
		return kind{goType: "int64", zero: "0", verb: "varint", number: "uint64"}, nil
	case protoreflect.EnumKind:
		return kind{goType: f.Enum.GoIdent.GoName, zero: "0", verb: "varint", number: "uint64"}, nil
	case protoreflect.Fixed32Kind:
		return kind{goType: "uint32", zero: "0", verb: "fixed32"}, nil
	case protoreflect.BoolKind:
		return kind{goType: "bool", zero: "false", verb: "boolean"}, nil
	case protoreflect.StringKind:
		return kind{goType: "string", zero: `""`, verb: "text"}, nil
	case protoreflect.BytesKind:
		return kind{goType: "[]byte", zero: "nil", verb: "bytes"}, nil
	case protoreflect.MessageKind:
		return kind{goType: "*" + f.Message.GoIdent.GoName, zero: "nil"}, nil
	default:
		return kind{}, unknown
	}
}

func list(f *protogen.Field, unknown error) (kind, error) {
	switch f.Desc.Kind() { //nolint:exhaustive // the others are refused below
	case protoreflect.StringKind:
		return kind{goType: "[]string", zero: "nil", verb: "texts"}, nil
	case protoreflect.Uint32Kind:
		if !f.Desc.IsPacked() {
			return kind{}, unknown
		}
		return kind{goType: "[]uint32", zero: "nil", verb: "packed"}, nil
	case protoreflect.MessageKind:
		return kind{goType: "[]*" + f.Message.GoIdent.GoName, zero: "nil"}, nil
	default:
		return kind{}, unknown
	}
}

// value is the field as its verb takes it.
func (k kind) value(f *protogen.Field) string {
	if k.number != "" && k.number != k.goType {
		return k.number + "(x." + f.GoName + ")"
	}
	return "x." + f.GoName
}

// sizeAndWrite writes Size and write: the fields in the order of their numbers.
func sizeAndWrite(g *protogen.GeneratedFile, m *protogen.Message) {
	g.P()
	g.P("// Size is the number of bytes that Marshal makes.")
	g.P("func (x *", m.GoIdent, ") Size() int {")
	g.P("if x == nil { return 0 }")
	g.P("n := len(x.unknown)")
	eachField(m, func(f *protogen.Field, k kind) {
		n := f.Desc.Number()
		switch {
		case k.verb != "":
			g.P("n += size", title(k.verb), "(", n, ", ", k.value(f), ")")
		case f.Desc.IsList():
			g.P("for _, v := range x.", f.GoName, " { n += sizeMessage(", n, ", v.Size()) }")
		default:
			g.P("if x.", f.GoName, " != nil { n += sizeMessage(", n, ", x.", f.GoName, ".Size()) }")
		}
	}, func(o *protogen.Oneof) {
		g.P("switch v := x.", o.GoName, ".(type) {")
		for _, f := range o.Fields {
			g.P("case *", f.GoIdent, ": n += sizeMessage(", f.Desc.Number(), ", v.", f.GoName, ".Size())")
		}
		g.P("}")
	})
	g.P("return n")
	g.P("}")
	g.P()
	g.P("func (x *", m.GoIdent, ") write(w *writer) {")
	g.P("if x == nil { return }")
	eachField(m, func(f *protogen.Field, k kind) {
		n := f.Desc.Number()
		switch {
		case k.verb != "":
			g.P("w.", k.verb, "(", n, ", ", k.value(f), ")")
		case f.Desc.IsList():
			g.P("for _, v := range x.", f.GoName, " { w.message(", n, ", v.Size()); v.write(w) }")
		default:
			g.P("if x.", f.GoName, " != nil { w.message(", n, ", x.", f.GoName, ".Size()); x.", f.GoName, ".write(w) }")
		}
	}, func(o *protogen.Oneof) {
		g.P("switch v := x.", o.GoName, ".(type) {")
		for _, f := range o.Fields {
			g.P("case *", f.GoIdent, ": w.message(", f.Desc.Number(), ", v.", f.GoName, ".Size()); v.", f.GoName, ".write(w)")
		}
		g.P("}")
	})
	g.P("w.data = append(w.data, x.unknown...)")
	g.P("}")
}

// eachField visits the fields in their order, a oneof at its first one.
func eachField(m *protogen.Message, single func(*protogen.Field, kind), several func(*protogen.Oneof)) {
	for _, f := range m.Fields {
		switch {
		case !inOneof(f):
			k, _ := kindOf(f) // structure has seen that it is known
			single(f, k)
		case f.Oneof.Fields[0] == f:
			several(f.Oneof)
		}
	}
}

func title(verb string) string { return string(verb[0]-'a'+'A') + verb[1:] }

// merge writes the decoder. A field that comes twice: the last one counts,
// messages are merged, lists grow.
func merge(g *protogen.GeneratedFile, m *protogen.Message) {
	g.P()
	g.P("func (x *", m.GoIdent, ") merge(data []byte) error {")
	g.P("for len(data) > 0 {")
	g.P("var f field")
	g.P("data = f.read(data)")
	g.P("switch f.number {")
	for _, f := range m.Fields {
		g.P("case ", f.Desc.Number(), ":")
		k, _ := kindOf(f)
		switch {
		case inOneof(f):
			g.P("if f.isMessage() {")
			g.P("v, ok := x.", f.Oneof.GoName, ".(*", f.GoIdent, ")")
			g.P("if !ok || v.", f.GoName, " == nil {")
			g.P("v = &", f.GoIdent, "{", f.GoName, ": new(", f.Message.GoIdent, ")}")
			g.P("x.", f.Oneof.GoName, " = v")
			g.P("}")
			g.P("f.err = v.", f.GoName, ".merge(f.data)")
			g.P("}")
		case k.verb == "varint":
			g.P("if f.isVarint() { x.", f.GoName, " = ", k.goType, "(f.value) }")
		case k.verb != "":
			g.P("f.", k.verb, "(&x.", f.GoName, ")")
		case f.Desc.IsList():
			g.P("if f.isMessage() {")
			g.P("v := new(", f.Message.GoIdent, ")")
			g.P("x.", f.GoName, " = append(x.", f.GoName, ", v)")
			g.P("f.err = v.merge(f.data)")
			g.P("}")
		default:
			g.P("if f.isMessage() {")
			g.P("if x.", f.GoName, " == nil { x.", f.GoName, " = new(", f.Message.GoIdent, ") }")
			g.P("f.err = x.", f.GoName, ".merge(f.data)")
			g.P("}")
		}
	}
	g.P("}")
	g.P("if f.err != nil { return f.err }")
	g.P("if !f.known { x.unknown = f.keep(x.unknown) }")
	g.P("}")
	g.P("return nil")
	g.P("}")
}
