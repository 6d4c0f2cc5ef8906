package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/core/fake"
)

// exampleService answers the examples: a list in two pages, an operation that
// takes a while, and a refusal for everything else.
type exampleService struct{ polls int }

func (s *exampleService) Do(req *http.Request) (*http.Response, error) {
	return fake.Serve(req, []fake.Route{
		{Method: http.MethodGet, Pattern: "/rooms", Handle: func(r *fake.Request) (*fake.Response, error) {
			if r.Raw.URL.Query().Has("skip") {
				return &fake.Response{Body: map[string]any{"value": []string{"attic"}}}, nil
			}
			return &fake.Response{Body: map[string]any{"value": []string{"kitchen", "hall"}, "nextLink": "/rooms?skip=2"}}, nil
		}},
		{Method: http.MethodPost, Pattern: "/rooms/{id}/:clean", Handle: func(*fake.Request) (*fake.Response, error) {
			return &fake.Response{Status: 202, Header: http.Header{"Operation-Location": {"/operations/1"}, "Retry-After": {"0"}}}, nil
		}},
		{Method: http.MethodGet, Pattern: "/operations/1", Handle: func(*fake.Request) (*fake.Response, error) {
			if s.polls++; s.polls < 2 {
				return &fake.Response{Header: http.Header{"Retry-After": {"0"}}, Body: map[string]string{"status": "running"}}, nil
			}
			return &fake.Response{Body: map[string]string{"status": "succeeded", "name": "kitchen"}}, nil
		}},
		{Method: http.MethodGet, Pattern: "/rooms/{id}", Handle: func(r *fake.Request) (*fake.Response, error) {
			return nil, &core.ResponseError{StatusCode: 404, ErrorCode: "NotFound", Message: "no room " + r.Param("id")}
		}},
	})
}

const exampleConnectionString = "endpoint=https://contoso.communication.azure.com/;accesskey=c2VjcmV0LWtleQ=="

// newExampleClient is what a client of a service does when it is made.
func newExampleClient() (*core.Client, error) {
	connection, err := core.ParseConnectionString(exampleConnectionString)
	if err != nil {
		return nil, err
	}
	options := &core.ClientOptions{Transport: &exampleService{}}
	return core.NewClient(core.ClientConfig{
		Module: "rooms", Version: "v0.1.0", Endpoint: connection.Endpoint, APIVersion: "2025-03-13",
		Credential: core.NewKeyPolicy(connection.Credential, &core.KeyPolicyOptions{AllowPlainHTTP: options.AllowPlainHTTP}),
	}, options)
}

type roomList struct {
	Value    []string `json:"value"`
	NextLink *string  `json:"nextLink"`
}

func ExampleNewClient() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Endpoint(), client.APIVersion())
	// Output: https://contoso.communication.azure.com 2025-03-13
}

func ExampleClient_Call() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	var rooms roomList
	_, err = client.Call(context.Background(), core.Call{
		Method: http.MethodGet, Path: "/rooms", Query: url.Values{"top": {"10"}}, Success: []int{http.StatusOK}, Into: &rooms,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rooms.Value)
	// Output: [kitchen hall]
}

func ExampleClient_Do() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := core.Path("/rooms/{id}", "cellar")
	if err != nil {
		fmt.Println(err)
		return
	}
	req, err := client.NewRequest(context.Background(), http.MethodGet, path, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Do(req, http.StatusOK)
	var refused *core.ResponseError
	if errors.As(err, &refused) {
		fmt.Println(refused.StatusCode, refused.ErrorCode, refused.Message)
	}
	fmt.Println(core.HasCode(err, "NotFound"))
	// Output:
	// 404 NotFound no room cellar
	// true
}

func ExampleClient_Follow() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	req, err := client.Follow(ctx, "/rooms?skip=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(req.Raw().URL)
	_, err = client.Follow(ctx, "https://evil.example/rooms")
	fmt.Println(errors.Is(err, core.ErrForeignLink))
	// Output:
	// https://contoso.communication.azure.com/rooms?skip=2
	// true
}

func ExamplePath() {
	path, err := core.Path("/identities/{id}/:issueAccessToken", "8:acs:resource_user")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(path)
	// Output: /identities/8%3Aacs%3Aresource_user/:issueAccessToken
}

func ExampleParseConnectionString() {
	connection, err := core.ParseConnectionString("endpoint=https://contoso.communication.azure.com/;accesskey=c2VjcmV0LWtleQ==")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(connection.Endpoint, connection.Credential)
	// Output: https://contoso.communication.azure.com REDACTED
}

func ExampleKeyCredential_Update() {
	credential, err := core.NewKeyCredential("b2xkLWtleQ==")
	if err != nil {
		fmt.Println(err)
		return
	}
	// After the key was regenerated; the clients that use it go on.
	if err := credential.Update("bmV3LWtleQ=="); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(credential)
	// Output: REDACTED
}

// workloadIdentity is a TokenCredential: anything that gets tokens.
type workloadIdentity struct{}

func (workloadIdentity) GetToken(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
	return core.AccessToken{Token: "eyJ…", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func ExampleNewBearerPolicy() {
	policy := core.NewBearerPolicy(workloadIdentity{}, []string{"https://communication.azure.com//.default"}, nil)
	client, err := core.NewClient(core.ClientConfig{Endpoint: "https://contoso.communication.azure.com", Credential: policy}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Endpoint())
	// Output: https://contoso.communication.azure.com
}

func ExampleNewTokenPolicy() {
	cache := core.NewTokenCache(func(context.Context) (core.AccessToken, error) {
		return core.AccessToken{Token: "eyJ…"}, nil // from the application's own back end
	}, nil)
	policy := core.NewTokenPolicy(cache.Token, cache.Forget, nil)
	fmt.Println(policy != nil)
	// Output: true
}

func ExampleTokenCache() {
	asked := 0
	cache := core.NewTokenCache(func(context.Context) (core.AccessToken, error) {
		asked++
		return core.AccessToken{Token: "eyJ…", ExpiresOn: time.Now().Add(time.Hour)}, nil
	}, nil)
	for range 3 {
		token, err := cache.Token(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		if asked == 1 {
			defer cache.Forget(token.Token) // when the service refuses it
		}
	}
	fmt.Println(asked)
	// Output: 1
}

func ExampleNewPipeline() {
	stamp := core.PolicyFunc(func(req *core.Request) (*http.Response, error) {
		req.Raw().Header.Set("X-Department", "sales")
		return req.Next()
	})
	pipeline := core.NewPipeline(core.PipelineConfig{Module: "own", Version: "v1"}, &core.ClientOptions{
		Transport: &exampleService{}, PerCallPolicies: []core.Policy{stamp},
	})
	req, err := core.NewRequest(context.Background(), http.MethodGet, "https://contoso.communication.azure.com/rooms")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := pipeline.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	var rooms roomList
	if err := core.UnmarshalJSON(resp, &rooms); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, rooms.Value)
	// Output: 200 [kitchen hall]
}

func ExamplePolicyFunc_Do() {
	offline := core.PolicyFunc(func(*core.Request) (*http.Response, error) {
		return nil, core.NonRetriable(errors.New("this machine is offline"))
	})
	_, err := offline.Do(nil)
	fmt.Println(err)
	// Output: this machine is offline
}

func ExampleRequest() {
	req, err := core.NewRequest(context.Background(), http.MethodPut, "https://contoso.communication.azure.com/notes/1")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := req.SetJSON(map[string]string{"text": "hello"}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(req.Body()))
	req.SetBody([]byte("hello"), "text/plain")
	fmt.Println(string(req.Body()), req.Raw().Header.Get("Content-Type"))
	// Output:
	// {"text":"hello"}
	// hello text/plain
}

func ExampleRequest_StreamResponse() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	req, err := client.NewRequest(context.Background(), http.MethodGet, "/rooms", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.StreamResponse()
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	n, err := io.Copy(io.Discard, resp.Body)
	fmt.Println(n > 0, err)
	// Output: true <nil>
}

func ExampleNewResponseError() {
	resp := &http.Response{
		StatusCode: http.StatusForbidden,
		Body:       io.NopCloser(strings.NewReader(`{"CommunicationError":{"Code":"Forbidden","Message":"not a member"}}`)),
	}
	fmt.Println(core.NewResponseError(resp))
	body, err := core.Payload(resp)
	fmt.Println(len(body), err)
	// Output:
	// core: status 403, code Forbidden: "not a member"
	// 68 <nil>
}

func ExampleRetryAfter() {
	resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}}
	fmt.Println(core.RetryAfter(resp))
	// Output: 7s true
}

func ExamplePager() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	newPager := func() *core.Pager[roomList] {
		return core.NewPager(core.LinkPages(client,
			func(ctx context.Context) (*core.Request, error) {
				return client.NewRequest(ctx, http.MethodGet, "/rooms", nil)
			},
			func(page roomList) *string { return page.NextLink }))
	}
	pager := newPager()
	for pager.More() {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Value)
	}
	// The same in one line.
	for page, err := range newPager().Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(page.Value))
	}
	// Output:
	// [kitchen hall]
	// [attic]
	// 2
	// 1
}

type cleaned struct {
	Name string `json:"name"`
}

func beginCleaning(ctx context.Context, client *core.Client) (*core.Poller[cleaned], error) {
	resp, err := client.Call(ctx, core.Call{Method: http.MethodPost, Path: "/rooms/kitchen/:clean", Success: []int{http.StatusAccepted}})
	if err != nil {
		return nil, err
	}
	return core.NewPoller(client, resp, &core.PollerOptions[cleaned]{Operation: "rooms.BeginClean"})
}

func ExamplePoller_PollUntilDone() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	poller, err := beginCleaning(ctx, client)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := poller.PollUntilDone(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Name)
	// Output: kitchen
}

func ExamplePoller_ResumeToken() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	poller, err := beginCleaning(ctx, client)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := poller.ResumeToken()
	if err != nil {
		fmt.Println(err)
		return
	}
	// Later, maybe in another process.
	resumed, err := core.NewPollerFromResumeToken(client, token, &core.PollerOptions[cleaned]{Operation: "rooms.BeginClean"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for !resumed.Done() {
		if _, err := resumed.Poll(ctx); err != nil {
			fmt.Println(err)
			return
		}
	}
	result, err := resumed.Result(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Name)
	// Output: kitchen
}

func ExamplePossibleFinalStateValues() {
	fmt.Printf("%q\n", core.PossibleFinalStateValues())
	// Output: ["" "operation" "location" "original"]
}
