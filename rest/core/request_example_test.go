package core_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/core/fake"
)

// taggedRoom is a service with one room that changes only for whoever knows its
// newest ETag.
func taggedRoom(req *http.Request) (*http.Response, error) {
	const current = `"2"`
	handle := func(r *fake.Request) (*fake.Response, error) {
		if match := r.Raw.Header.Get("If-Match"); match != "" && match != current {
			return nil, &core.ResponseError{StatusCode: http.StatusPreconditionFailed, ErrorCode: "PreconditionFailed", Message: "it was changed"}
		}
		return &fake.Response{Header: http.Header{"ETag": {current}, "X-Ms-Request-Id": {"42"}}, Body: map[string]string{"language": r.Raw.Header.Get("Accept-Language")}}, nil
	}
	return fake.Serve(req, []fake.Route{{Method: http.MethodGet, Pattern: "/rooms/{id}", Handle: handle}, {Method: http.MethodPatch, Pattern: "/rooms/{id}", Handle: handle}})
}

// transport is a Transporter made of a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(req *http.Request) (*http.Response, error) { return f(req) }

func newTaggedClient() (*core.Client, error) {
	return core.NewClient(core.ClientConfig{Endpoint: "https://contoso.example"}, &core.ClientOptions{Transport: transport(taggedRoom)})
}

func ExampleMatchConditions() {
	client, err := newTaggedClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	call := core.Call{Method: http.MethodGet, Path: "/rooms/kitchen"}
	resp, err := client.Call(context.Background(), call)
	if err != nil {
		fmt.Println(err)
		return
	}
	tag := core.ReadETag(resp)
	for _, known := range []core.ETag{*tag, `"1"`} {
		call.Method, call.Conditions = http.MethodPatch, &core.MatchConditions{IfMatch: &known}
		call.Body = core.MergePatch{Remove: []string{"/topic"}}
		_, err = client.Call(context.Background(), call)
		fmt.Println(known, core.HasCode(err, "PreconditionFailed"))
	}
	// Output:
	// "2" false
	// "1" true
}

func ExampleETag() {
	strong, weak := core.ETag(`"1"`), core.ETag(`W/"1"`)
	fmt.Println(weak.IsWeak(), strong.Equals(weak), strong.WeakEquals(weak))
	// Output: true false true
}

func ExampleMergePatch() {
	topic := "standup"
	data, err := json.Marshal(core.MergePatch{
		Set:    map[string]any{"topic": topic, "metadata": map[string]string{"floor": "2"}},
		Remove: []string{"/metadata/color"},
	})
	fmt.Println(string(data), err)
	// Output: {"metadata":{"color":null,"floor":"2"},"topic":"standup"} <nil>
}

func ExampleWithCaptureResponse() {
	client, err := newTaggedClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	var resp *http.Response
	ctx := core.WithCaptureResponse(context.Background(), &resp)
	if _, err := client.Call(ctx, core.Call{Method: http.MethodGet, Path: "/rooms/kitchen"}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Header.Get("x-ms-request-id"))
	// Output: 42
}

func ExampleWithHeader() {
	client, err := newTaggedClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := core.WithHeader(context.Background(), http.Header{"Accept-Language": {"de"}})
	var room map[string]string
	if _, err := client.Call(ctx, core.Call{Method: http.MethodGet, Path: "/rooms/kitchen", Into: &room}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(room["language"])
	// Output: de
}

func ExampleTokenCredentialFunc_GetToken() {
	// A token that is at hand, the armToken of connection.json for example.
	credential := core.TokenCredentialFunc(func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
		return core.AccessToken{Token: "eyJ…"}, nil
	})
	token, err := credential.GetToken(context.Background(), core.TokenRequestOptions{})
	fmt.Println(token, err)
	// Output: REDACTED <nil>
}

func ExampleNewTransport() {
	connection := struct{ CAFile, ConnectionString string }{"testdata/none.pem", exampleConnectionString} // of connection.json
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(connection.CAFile)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		fmt.Println("no authority:", errors.Is(err, fs.ErrNotExist))
	}
	options := core.ClientOptions{Transport: core.NewTransport(&core.TransportOptions{RootCAs: pool})}
	fmt.Println(options.Transport != nil)
	// Output:
	// no authority: true
	// true
}
