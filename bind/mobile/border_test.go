package mobile_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
)

// TestBorder_EveryEntryRecovers: a panic that crosses the border ends the
// application, so every exported function that can fail at all begins with a
// recover.
func TestBorder_EveryEntryRecovers(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || !exportedReceiver(f) || returnsLiteral(f) {
				continue
			}
			entries++
			if !recovers(f) {
				t.Errorf("%s does not recover", f.Name.Name)
			}
		}
	}
	if entries < 100 {
		t.Errorf("only %d entries were found", entries)
	}
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := star.X.(*ast.Ident)
	return ok && name.IsExported()
}

// returnsLiteral tells functions that only make an object: they cannot panic.
func returnsLiteral(f *ast.FuncDecl) bool {
	if len(f.Body.List) != 1 {
		return false
	}
	ret, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok {
		return false
	}
	address, ok := ret.Results[0].(*ast.UnaryExpr)
	return ok && address.Op == token.AND
}

func recovers(f *ast.FuncDecl) bool {
	for _, s := range f.Body.List[:min(2, len(f.Body.List))] {
		d, ok := s.(*ast.DeferStmt)
		if !ok {
			continue
		}
		if name, ok := d.Call.Fun.(*ast.Ident); ok && (name.Name == "guard" || name.Name == "quiet") {
			return true
		}
	}
	// ErrorCode does all in FailureOf, which recovers in a function of its own.
	return f.Name.Name == "ErrorCode" || f.Name.Name == "FailureOf"
}

// TestClose_DropsListeners: what a language keeps for a listener is free after
// Close, although the objects are still held; that of a call when it has ended.
func TestClose_DropsListeners(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	freed := make(chan string, 4)
	// Two that nothing but the library holds: one of a call, one of everything.
	listen := func(name string) *events {
		e := newEvents(t)
		runtime.AddCleanup(e, func(name string) { freed <- name }, name)
		return e
	}
	bob.signIn("Bob")
	agent, err := alice.client.NewCallAgent(alice.cred, nil, listen("agent"))
	if err != nil {
		t.Fatal(err)
	}
	chat, err := alice.client.NewChatClient(alice.cred, nil, listen("chat"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Start(); err != nil {
		t.Fatal(err)
	}
	call, err := agent.StartCall(bob.id, nil, listen("call"))
	if err != nil {
		t.Fatal(err)
	}
	if err := (<-bob.events.incoming).Reject(false); err != nil {
		t.Fatal(err)
	}
	wait := func(names ...string) {
		t.Helper()
		got := map[string]bool{}
		ticker, timer := time.NewTicker(10*time.Millisecond), time.After(limit)
		defer ticker.Stop()
		for len(got) < len(names) {
			select {
			case name := <-freed:
				got[name] = true
			case <-ticker.C:
				runtime.GC()
			case <-timer:
				t.Fatalf("of %v only %v were let go", names, got)
			}
		}
		for _, name := range names {
			if !got[name] {
				t.Errorf("%s was not let go, but %v", name, got)
			}
		}
	}
	wait("call")
	alice.client.Close()
	wait("agent", "chat")
	runtime.KeepAlive([]any{call, agent, chat, alice})
}
