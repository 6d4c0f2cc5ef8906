package resourcemanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/resourcemanager"
)

// shown answers the requests of a client with an example: what it begins with a
// link to an operation that has succeeded, later looks with the answer of 200.
type shown struct {
	t        *testing.T
	example  testkit.Example
	response testkit.ExampleResponse
	asked    int
}

func (s *shown) Do(req *http.Request) (*http.Response, error) {
	s.asked++
	answer := s.response
	switch {
	case s.asked == 1:
		s.check(req)
	case strings.Contains(req.URL.Path, "/operationStatuses/"):
		if s.response.Headers["Azure-AsyncOperation"] != nil {
			answer = testkit.ExampleResponse{Status: http.StatusOK, Body: json.RawMessage(`{"status":"Succeeded"}`)}
		} else {
			answer = testkit.ExampleResponse{Status: http.StatusNoContent}
		}
	default:
		answer = s.example.Responses[0]
	}
	header := http.Header{}
	for name, value := range answer.Headers {
		header.Set(name, fmt.Sprint(value))
	}
	return &http.Response{StatusCode: answer.Status, Header: header, Body: io.NopCloser(bytes.NewReader(answer.Body))}, nil
}

// check holds a request against the example.
func (s *shown) check(req *http.Request) {
	e := &s.example
	path := e.Path
	for name := range e.Parameters {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(e.Text(name)))
	}
	if req.Method != e.Method || req.URL.EscapedPath() != path || req.URL.Query().Get("api-version") != e.Version {
		s.t.Errorf("%s %s, want %s %s", req.Method, req.URL, e.Method, path)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		s.t.Error(err)
	}
	if e.Body == nil && len(body) > 0 {
		s.t.Errorf("body %s", body)
	}
	if e.Body != nil {
		testkit.SameJSON(s.t, "body", body, e.Body)
	}
}

func decode[T any](t *testing.T, data json.RawMessage) T {
	t.Helper()
	var v T
	if len(data) == 0 {
		return v
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// collect returns the only page of a list.
func collect[T any](ctx context.Context, p *core.Pager[T]) (any, error) {
	page, err := p.NextPage(ctx)
	if err == nil && p.More() {
		_, err = p.NextPage(ctx)
	}
	return page, err
}

func finish[T any](ctx context.Context, p *core.Poller[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return p.PollUntilDone(ctx, &core.PollUntilDoneOptions{Frequency: time.Nanosecond})
}

// send calls the method of an example's operation with its parameters.
func send(t *testing.T, c *resourcemanager.Client, e *testkit.Example) (any, error) {
	t.Helper()
	ctx, group, name := t.Context(), e.Text("resourceGroupName"), e.Text("communicationServiceName")
	_, method, _ := strings.Cut(e.OperationID, "_")
	switch method {
	case "CheckNameAvailability":
		return c.CheckNameAvailability(ctx, decode[resourcemanager.NameAvailabilityParameters](t, e.Body), nil)
	case "LinkNotificationHub":
		return c.LinkNotificationHub(ctx, group, name, decode[resourcemanager.LinkNotificationHubParameters](t, e.Body), nil)
	case "ListBySubscription":
		return collect(ctx, c.NewListBySubscriptionPager(nil))
	case "ListByResourceGroup":
		return collect(ctx, c.NewListByResourceGroupPager(group, nil))
	case "List":
		return collect(ctx, c.NewListOperationsPager(nil))
	case "Update":
		return c.Update(ctx, group, name, decode[resourcemanager.CommunicationServiceResourceUpdate](t, e.Body), nil)
	case "Get":
		return c.Get(ctx, group, name, nil)
	case "CreateOrUpdate":
		p, err := c.BeginCreateOrUpdate(ctx, group, name, decode[resourcemanager.CommunicationServiceResource](t, e.Body), nil)
		return finish(ctx, p, err)
	case "Delete":
		p, err := c.BeginDelete(ctx, group, name, nil)
		return finish(ctx, p, err)
	case "ListKeys":
		return c.ListKeys(ctx, group, name, nil)
	case "RegenerateKey":
		return c.RegenerateKey(ctx, group, name, decode[resourcemanager.RegenerateKeyParameters](t, e.Body), nil)
	}
	t.Fatalf("no method for %s", e.OperationID)
	return nil, nil
}

// TestSpecifications_Examples sends every request that the specifications show
// and reads every answer.
func TestSpecifications_Examples(t *testing.T) {
	ran := map[string]bool{}
	for _, e := range testkit.Examples(t, "resourcemanager") {
		group, method, _ := strings.Cut(e.OperationID, "_")
		if !slices.Contains([]string{"CommunicationService", "CommunicationServices", "Operations"}, group) {
			continue
		}
		for _, response := range e.Responses {
			t.Run(e.File+"/"+strconv.Itoa(response.Status), func(t *testing.T) {
				s := &shown{t: t, example: e, response: response}
				c, err := resourcemanager.NewClient(resourcemanager.EndpointPublic, subscriptionOf(&e), core.TokenCredentialFunc(armToken),
					&resourcemanager.ClientOptions{ClientOptions: core.ClientOptions{Transport: s, APIVersion: e.Version, Retry: core.RetryOptions{MaxRetries: -1}}})
				if err != nil {
					t.Fatal(err)
				}
				got, err := send(t, c, &e)
				if err != nil {
					t.Fatal(err)
				}
				ran[e.Version+method] = true
				want := e.Responses[0].Body // The end of what was begun with 201 or 202.
				if response.Status == http.StatusOK {
					want = response.Body
				}
				if want == nil {
					want = json.RawMessage("{}")
				}
				data, err := json.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				testkit.SameJSON(t, "result", data, want)
			})
		}
	}
	if len(ran) != 10+3*11 {
		t.Errorf("%d operations: %v", len(ran), ran)
	}
}

// modelsOf are the models of the bodies that the table of operations does not
// name because the service does not offer e-mail.
var modelsOf = map[string]any{
	"EmailServices": acswire.EmailServiceResource{}, "Domains": acswire.DomainResource{}, "SenderUsernames": acswire.SenderUsernameResource{},
	"SuppressionLists": acswire.SuppressionListResource{}, "SuppressionListAddresses": acswire.SuppressionListAddressResource{},
	"EmailServices_List": acswire.EmailServiceResourceList{}, "Domains_List": acswire.DomainResourceList{},
	"SenderUsernames_List": acswire.SenderUsernameResourceCollection{}, "SuppressionLists_List": acswire.SuppressionListResourceCollection{},
	"SuppressionListAddresses_List": acswire.SuppressionListAddressResourceCollection{}, "EmailServices_ListVerified": []string{},
}

// TestSpecifications_EmailModels reads and writes the bodies of the operations
// that have no client.
func TestSpecifications_EmailModels(t *testing.T) {
	n := 0
	for _, e := range testkit.Examples(t, "resourcemanager") {
		group, method, _ := strings.Cut(e.OperationID, "_")
		if modelsOf[group] == nil {
			continue
		}
		model := modelsOf[group]
		switch {
		case strings.HasPrefix(method, "ListVerified"):
			model = modelsOf["EmailServices_ListVerified"]
		case strings.HasPrefix(method, "List"):
			model = modelsOf[group+"_List"]
		}
		for _, response := range e.Responses {
			if response.Body != nil {
				again(t, e.File, model, response.Body)
				n++
			}
		}
		if e.Body != nil {
			for _, o := range acswire.Operations(acswire.AreaResourceManager) {
				if o.ID == e.OperationID {
					again(t, e.File+" body", o.Request, e.Body)
					n++
				}
			}
		}
	}
	if n < 80 {
		t.Errorf("only %d bodies", n)
	}
}

func again(t *testing.T, what string, model any, data []byte) {
	t.Helper()
	v := reflect.New(reflect.TypeOf(model))
	if err := json.Unmarshal(data, v.Interface()); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	out, err := json.Marshal(v.Interface())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	// One example has an end of the list that is null; others leave it out.
	testkit.SameJSON(t, what, out, regexp.MustCompile(`,\s*"nextLink":\s*null`).ReplaceAll(data, nil))
}

// TestSpecifications_Members holds the models against the lists of members of
// the newest published client.
func TestSpecifications_Members(t *testing.T) {
	root := testkit.Specifications()
	if root == "" {
		testkit.Missing(t, "the specifications of ACS are not there (PARLEY_SHARED)")
	}
	data, err := os.ReadFile(filepath.Join(root, "resourcemanager", resourcemanager.DefaultAPIVersion, "wire-surface.json"))
	if err != nil {
		t.Fatal(err)
	}
	var surface struct {
		Models map[string]struct {
			Properties map[string]struct {
				Type string `json:"type"`
			} `json:"properties"`
		} `json:"models"`
	}
	if err := json.Unmarshal(data, &surface); err != nil {
		t.Fatal(err)
	}
	for name, model := range map[string]any{
		"CommunicationServiceResource": resourcemanager.CommunicationServiceResource{}, "CommunicationServiceResourceUpdate": resourcemanager.CommunicationServiceResourceUpdate{},
		"CommunicationServiceResourceList": resourcemanager.CommunicationServiceResourceList{}, "CommunicationServiceKeys": resourcemanager.CommunicationServiceKeys{},
		"RegenerateKeyParameters": resourcemanager.RegenerateKeyParameters{}, "LinkNotificationHubParameters": resourcemanager.LinkNotificationHubParameters{},
		"LinkedNotificationHub": resourcemanager.LinkedNotificationHub{}, "NameAvailabilityParameters": resourcemanager.NameAvailabilityParameters{},
		"CheckNameAvailabilityResponse": resourcemanager.CheckNameAvailabilityResponse{}, "ManagedServiceIdentity": resourcemanager.ManagedServiceIdentity{},
		"UserAssignedIdentity": resourcemanager.UserAssignedIdentity{}, "SystemData": resourcemanager.SystemData{}, "Operation": resourcemanager.Operation{},
		"OperationDisplay": resourcemanager.OperationDisplay{}, "OperationListResult": resourcemanager.OperationListResult{},
		"SmtpUsernameResource": acswire.SMTPUsernameResource{}, "SmtpUsernameResourceCollection": acswire.SMTPUsernameResourceCollection{},
	} {
		want := map[string]reflect.Kind{}
		for property, p := range surface.Models[name].Properties {
			want[property] = kindOf(p.Type)
		}
		got := map[string]reflect.Kind{}
		members(reflect.TypeOf(model), "", got)
		if len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
}

func kindOf(wire string) reflect.Kind {
	switch wire {
	case "Boolean":
		return reflect.Bool
	case "Composite":
		return reflect.Struct
	case "Dictionary":
		return reflect.Map
	case "Sequence":
		return reflect.Slice
	default: // Enum, Uuid and DateTime too
		return reflect.String
	}
}

// members lists the members of a model, those of properties as the client's
// list has them: "properties.hostName".
func members(model reflect.Type, prefix string, into map[string]reflect.Kind) {
	for field := range model.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if name == "properties" && prefix == "" {
			members(kind, "properties.", into)
			continue
		}
		into[prefix+name] = kind.Kind()
	}
}

func subscriptionOf(e *testkit.Example) string {
	if id := e.Text("subscriptionId"); id != "" {
		return id
	}
	return "none" // for the list of operations
}
