package resourcemanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/resourcemanager"
)

const subscription = "11112222-3333-4444-5555-666677778888"

// recorder answers every request with one answer and keeps the last request.
type recorder struct {
	status int
	body   string
	header http.Header

	n    int
	sent *http.Request
	data []byte
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	r.n++
	r.sent = req
	var err error
	if r.data, err = io.ReadAll(req.Body); err != nil {
		return nil, err
	}
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: r.status, Header: header, Body: io.NopCloser(strings.NewReader(r.body))}, nil
}

func newClient(t testing.TB, transport core.Transporter) *resourcemanager.Client {
	t.Helper()
	c, err := resourcemanager.NewClient("https://arm.example", subscription, core.TokenCredentialFunc(armToken),
		&resourcemanager.ClientOptions{ClientOptions: core.ClientOptions{Transport: transport, Retry: core.RetryOptions{MaxRetries: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// operation is one method, called with everything it takes.
type operation struct {
	request string // method and path
	body    string
	match   bool // whether it takes conditions
	success []int
	call    func(ctx context.Context, c *resourcemanager.Client, group, name string, conditions *core.MatchConditions) (any, error)
}

const groups = "/subscriptions/" + subscription + "/resourceGroups/a%2Fb/providers/Microsoft.Communication/communicationServices"

// operations are all of them.
func operations() map[string]operation {
	type client = *resourcemanager.Client
	type conditions = *core.MatchConditions
	const one = groups + "/n%20n"
	ok := []int{200}
	return map[string]operation{
		"BeginCreateOrUpdate": {"PUT " + one, `{"location":"global"}`, true, []int{200, 201, 202}, func(ctx context.Context, c client, g, n string, m conditions) (any, error) {
			p, err := c.BeginCreateOrUpdate(ctx, g, n, resourcemanager.CommunicationServiceResource{Location: new("global")}, &resourcemanager.ClientBeginCreateOrUpdateOptions{Conditions: m})
			if err != nil {
				return p, err
			}
			return nil, nil
		}},
		"BeginDelete": {"DELETE " + one, ``, true, []int{200, 201, 202, 204}, func(ctx context.Context, c client, g, n string, m conditions) (any, error) {
			p, err := c.BeginDelete(ctx, g, n, &resourcemanager.ClientBeginDeleteOptions{Conditions: m})
			if err != nil {
				return p, err
			}
			return nil, nil
		}},
		"Get": {"GET " + one, ``, true, ok, func(ctx context.Context, c client, g, n string, m conditions) (any, error) {
			return c.Get(ctx, g, n, &resourcemanager.ClientGetOptions{Conditions: m})
		}},
		"Update": {"PATCH " + one, `{"tags":{"a":null}}`, true, ok, func(ctx context.Context, c client, g, n string, m conditions) (any, error) {
			return c.Update(ctx, g, n, resourcemanager.CommunicationServiceResourceUpdate{Tags: map[string]*string{"a": nil}}, &resourcemanager.ClientUpdateOptions{Conditions: m})
		}},
		"ListKeys": {"POST " + one + "/listKeys", ``, false, ok, func(ctx context.Context, c client, g, n string, _ conditions) (any, error) {
			return c.ListKeys(ctx, g, n, nil)
		}},
		"RegenerateKey": {"POST " + one + "/regenerateKey", `{"keyType":"Primary"}`, false, ok, func(ctx context.Context, c client, g, n string, _ conditions) (any, error) {
			return c.RegenerateKey(ctx, g, n, resourcemanager.RegenerateKeyParameters{KeyType: new(resourcemanager.KeyTypePrimary)}, nil)
		}},
		"LinkNotificationHub": {"POST " + one + "/linkNotificationHub", `{"resourceId":"h"}`, false, ok, func(ctx context.Context, c client, g, n string, _ conditions) (any, error) {
			return c.LinkNotificationHub(ctx, g, n, resourcemanager.LinkNotificationHubParameters{ResourceID: new("h")}, nil)
		}},
		"CheckNameAvailability": {
			"POST /subscriptions/" + subscription + "/providers/Microsoft.Communication/checkNameAvailability", `{"name":"n","type":"t"}`, false, ok,
			func(ctx context.Context, c client, _, _ string, _ conditions) (any, error) {
				return c.CheckNameAvailability(ctx, resourcemanager.NameAvailabilityParameters{Name: new("n"), Type: new("t")}, nil)
			},
		},
		"NewListByResourceGroupPager": {"GET " + groups, ``, false, ok, func(ctx context.Context, c client, g, _ string, _ conditions) (any, error) {
			return c.NewListByResourceGroupPager(g, nil).NextPage(ctx)
		}},
		"NewListBySubscriptionPager": {
			"GET /subscriptions/" + subscription + "/providers/Microsoft.Communication/communicationServices", ``, false, ok,
			func(ctx context.Context, c client, _, _ string, _ conditions) (any, error) {
				return c.NewListBySubscriptionPager(nil).NextPage(ctx)
			},
		},
		"NewListOperationsPager": {"GET /providers/Microsoft.Communication/operations", ``, false, ok, func(ctx context.Context, c client, _, _ string, _ conditions) (any, error) {
			return c.NewListOperationsPager(nil).NextPage(ctx)
		}},
	}
}

func TestClient_Requests(t *testing.T) {
	for name, o := range operations() {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{200, 201, 202, 204, 302, 304, 400, 401, 404, 409, 412, 500} {
				r := &recorder{status: status, body: `{"error":{"code":"C","message":"m"}}`}
				got, err := o.call(t.Context(), newClient(t, r), "a/b", "n n", nil)
				var refused *core.ResponseError
				switch {
				case slices.Contains(o.success, status):
					if err != nil {
						t.Errorf("%d: %v", status, err)
					}
				case !errors.As(err, &refused) || refused.StatusCode != status || refused.ErrorCode != "C" || !reflect.ValueOf(got).IsZero():
					t.Errorf("%d: %+v, %v", status, got, err)
				}
				if sent := r.sent.Method + " " + r.sent.URL.EscapedPath(); sent != o.request || string(r.data) != o.body || r.sent.URL.RawQuery != "api-version=2025-09-01" || r.n != 1 {
					t.Errorf("%d times %s?%s %s", r.n, sent, r.sent.URL.RawQuery, r.data)
				}
				if r.sent.Header.Get("Authorization") == "" || r.sent.Header.Get("If-Match") != "" || (o.body != "" && r.sent.Header.Get("Content-Type") != "application/json") {
					t.Errorf("headers %v", r.sent.Header)
				}
			}
			if o.match {
				r := &recorder{status: 200, body: "{}", header: http.Header{"Etag": {`"2"`}}}
				if _, err := o.call(t.Context(), newClient(t, r), "a/b", "n n", &core.MatchConditions{IfMatch: new(core.ETag(`"1"`)), IfNoneMatch: new(core.ETagAny)}); err != nil ||
					r.sent.Header.Get("If-Match") != `"1"` || r.sent.Header.Get("If-None-Match") != "*" {
					t.Errorf("%v: %v", err, r.sent.Header)
				}
			}
		})
	}
}

func TestClient_BadParameters(t *testing.T) {
	r := &recorder{status: 200, body: "{}"}
	c := newClient(t, r)
	for name, o := range operations() {
		for _, bad := range []string{"", ".", ".."} {
			if strings.Contains(o.request, "a%2Fb") {
				if _, err := o.call(t.Context(), c, bad, "n", nil); !errors.Is(err, core.ErrInvalidParameter) {
					t.Errorf("%s, group %q: %v", name, bad, err)
				}
			}
			if strings.Contains(o.request, "n%20n") {
				if _, err := o.call(t.Context(), c, "g", bad, nil); !errors.Is(err, core.ErrInvalidParameter) {
					t.Errorf("%s, name %q: %v", name, bad, err)
				}
			}
		}
	}
	if r.n != 0 {
		t.Errorf("%d requests were sent", r.n)
	}
	for name, token := range map[string]string{"not one": "token", "elsewhere": `{"version":1,"operation":"resourcemanager.Client.BeginDelete","pattern":"location","method":"DELETE","original":"/","poll":"//evil.example/","status":"running"}`} {
		if _, err := c.BeginDelete(t.Context(), "g", "n", &resourcemanager.ClientBeginDeleteOptions{ResumeToken: token}); !errors.Is(err, core.ErrInvalidResumeToken) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.BeginCreateOrUpdate(t.Context(), "g", "n", resourcemanager.CommunicationServiceResource{}, &resourcemanager.ClientBeginCreateOrUpdateOptions{ResumeToken: token}); !errors.Is(err, core.ErrInvalidResumeToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewClient(t *testing.T) {
	credential := core.TokenCredentialFunc(armToken)
	for name, one := range map[string]struct{ err, want error }{
		"no credential":   {refusal(resourcemanager.NewClient("https://h", subscription, nil, nil)), core.ErrInvalidParameter},
		"no subscription": {refusal(resourcemanager.NewClient("https://h", "", credential, nil)), core.ErrInvalidParameter},
		"endpoint":        {refusal(resourcemanager.NewClient("https://h/path", subscription, credential, nil)), core.ErrInvalidEndpoint},
		"version": {
			refusal(resourcemanager.NewClient("https://h", subscription, credential, &resourcemanager.ClientOptions{ClientOptions: core.ClientOptions{APIVersion: "newest"}})),
			resourcemanager.ErrUnsupportedAPIVersion,
		},
	} {
		if !errors.Is(one.err, one.want) {
			t.Errorf("%s: %v", name, one.err)
		}
	}
	for _, tt := range []struct{ endpoint, scope, want string }{
		{resourcemanager.EndpointPublic, "", "https://management.azure.com/.default"},
		{resourcemanager.EndpointUSGovernment + "/", "", "https://management.usgovcloudapi.net/.default"},
		{resourcemanager.EndpointChina, "mine", "mine"},
	} {
		var asked []string
		c, err := resourcemanager.NewClient(tt.endpoint, subscription, core.TokenCredentialFunc(func(_ context.Context, o core.TokenRequestOptions) (core.AccessToken, error) {
			asked = append(asked, o.Scopes...)
			return core.AccessToken{Token: "t"}, nil
		}), &resourcemanager.ClientOptions{Scope: tt.scope, ClientOptions: core.ClientOptions{Transport: &recorder{status: 200, body: "{}"}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ListKeys(t.Context(), "g", "n", nil); err != nil || !slices.Equal(asked, []string{tt.want}) {
			t.Errorf("%v: asked for %q", err, asked)
		}
	}
	plain, err := resourcemanager.NewClient("http://h", subscription, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.ListKeys(t.Context(), "g", "n", nil); !errors.Is(err, core.ErrPlainHTTP) {
		t.Errorf("%v", err)
	}
}

// TestClient_Begun: what fails behind an answer that was a success is an error
// of the poller.
func TestClient_Begun(t *testing.T) {
	answers := []*recorder{
		{status: 201, body: `{"properties":{"provisioningState":"Accepted"}}`, header: http.Header{"Azure-Asyncoperation": {"https://arm.example/op"}}},
		{status: 200, body: `{"status":"Failed","error":{"code":"Conflict","message":"no port is free"}}`},
	}
	c := newClient(t, transport(func(req *http.Request) (*http.Response, error) {
		next := answers[0]
		answers = answers[1:]
		return next.Do(req)
	}))
	p, err := c.BeginCreateOrUpdate(t.Context(), "g", "n", resourcemanager.CommunicationServiceResource{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Poll(t.Context()); err != nil || !p.Done() {
		t.Fatalf("%v", err)
	}
	if _, err := p.Result(t.Context()); !core.HasCode(err, resourcemanager.CodeConflict) {
		t.Errorf("%v", err)
	}
	// An answer that is no resource.
	c = newClient(t, &recorder{status: 200, body: `[]`})
	if p, err = c.BeginCreateOrUpdate(t.Context(), "g", "n", resourcemanager.CommunicationServiceResource{}, nil); err == nil {
		_, err = p.Result(t.Context())
	}
	if err == nil {
		t.Error("a list is taken for a resource")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(req *http.Request) (*http.Response, error) { return f(req) }

func TestSecrets_NotLogged(t *testing.T) {
	var out bytes.Buffer
	keys := resourcemanager.CommunicationServiceKeys{PrimaryKey: new("geheim"), SecondaryConnectionString: new("geheim")}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "keys", keys, "pointer", &keys, "listed", resourcemanager.ClientListKeysResponse{CommunicationServiceKeys: keys},
		"made", resourcemanager.ClientRegenerateKeyResponse{CommunicationServiceKeys: keys},
		"hub", resourcemanager.LinkNotificationHubParameters{ResourceID: new("shown"), ConnectionString: new("geheim")},
		"no hub", &resourcemanager.LinkNotificationHubParameters{ConnectionString: new("geheim")})
	if strings.Contains(out.String(), "geheim") || !strings.Contains(out.String(), "shown") {
		t.Errorf("logged %s", out.String())
	}
}

// FuzzResource: what is read as a resource is written as the same one.
func FuzzResource(f *testing.F) {
	for _, s := range []string{
		`{"name":"n","location":"Global","tags":{"a":"b","c":null},"properties":{"provisioningState":"Succeeded","linkedDomains":["x"],"disableLocalAuth":false}}`,
		`{"identity":{"type":"UserAssigned","userAssignedIdentities":{"/x":{"clientId":"c"},"/y":null}},"systemData":{"createdByType":"User"}}`,
		`{"properties":{"linkedDomains":[null]}}`, `{"properties":null}`, `{"tags":[]}`, `null`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := newClient(t, &recorder{status: 200, body: body}).Get(t.Context(), "g", "n", nil)
		if err != nil {
			return
		}
		data, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := newClient(t, &recorder{status: 200, body: string(data)}).Get(t.Context(), "g", "n", nil)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		data2, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		testkit.SameJSON(t, "again", data2, data)
	})
}
