package identity_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/identity"
)

// TestSpecifications_Examples plays the examples of every version of the
// specification: the client sends the request and reads the answer.
func TestSpecifications_Examples(t *testing.T) {
	played := map[string]bool{}
	for _, e := range testkit.Examples(t, "identity") {
		if e.Version < "2021" {
			continue // another form, which the client refuses
		}
		t.Run(e.File, func(t *testing.T) {
			if len(e.Responses) != 1 {
				t.Fatalf("%d responses", len(e.Responses))
			}
			r := &recorder{status: e.Responses[0].Status, body: string(e.Responses[0].Body)}
			got, err := play(t, newClient(t, r, e.Version), &e)
			path := strings.ReplaceAll(e.Path, "{id}", strings.ReplaceAll(e.Text("id"), ":", "%3A"))
			if err != nil || r.method != e.Method || r.path != path || r.query != "api-version="+e.Version {
				t.Fatalf("%v after %s %s?%s", err, r.method, r.path, r.query)
			}
			if e.Body != nil {
				testkit.SameJSON(t, "body", r.sent, e.Body)
			}
			if e.Responses[0].Body != nil {
				data, err := json.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				testkit.SameJSON(t, "result", data, e.Responses[0].Body)
			}
			played[e.Version+e.OperationID] = true
		})
	}
	// Four operations at 2021-03-07, five at 2022-06-01, 2022-10-01 and 2023-10-01;
	// the examples of 2025-06-30 were not published.
	if len(played) != 4+3*5 {
		t.Errorf("played %d: %v", len(played), played)
	}
}

// play calls the method of an example's operation with its parameters.
func play(t *testing.T, c *identity.Client, e *testkit.Example) (any, error) {
	t.Helper()
	var body struct {
		acswire.CreateIdentityRequest
		Scopes []identity.TokenScope `json:"scopes"`
		acswire.TeamsUserExchangeRequest
	}
	if e.Body != nil {
		if err := json.Unmarshal(e.Body, &body); err != nil {
			t.Fatal(err)
		}
	}
	ctx, user := t.Context(), common.CommunicationUserIdentifier{ID: e.Text("id")}
	switch _, method, _ := strings.Cut(e.OperationID, "_"); method {
	case "Create":
		var scopes []identity.TokenScope
		for _, s := range body.CreateTokenWithScopes {
			scopes = append(scopes, identity.TokenScope(s))
		}
		made, err := c.CreateUserAndToken(ctx, scopes, &identity.ClientCreateUserAndTokenOptions{ExpiresInMinutes: body.ExpiresInMinutes})
		return made.UserAndToken, err
	case "IssueAccessToken":
		return c.GetToken(ctx, user, body.Scopes, &identity.ClientGetTokenOptions{ExpiresInMinutes: body.ExpiresInMinutes})
	case "RevokeAccessTokens":
		return c.RevokeTokens(ctx, user, nil)
	case "Delete":
		return c.DeleteUser(ctx, user, nil)
	case "ExchangeTeamsUserAccessToken":
		return c.ExchangeTeamsUserAccessToken(ctx, *body.Token, *body.AppID, *body.UserID, nil)
	}
	t.Fatalf("no method for %s", e.OperationID)
	return nil, nil
}

// TestSpecifications_Models reads and writes the bodies of every version with
// the models that the table of operations names.
func TestSpecifications_Models(t *testing.T) {
	n := 0
	for _, e := range testkit.Examples(t, "identity") {
		version, err := acswire.ParseVersion(e.Version)
		if err != nil {
			t.Fatal(err)
		}
		served, err := acswire.ResolveVersion(acswire.AreaIdentity, version)
		if err != nil {
			t.Fatal(err)
		}
		var operation *acswire.Operation
		for _, o := range acswire.Operations(acswire.AreaIdentity) {
			if o.Method == e.Method && o.Route == e.Path && o.In(served) {
				operation = &o
			}
		}
		if operation == nil {
			t.Errorf("%s: no operation %s %s", e.File, e.Method, e.Path)
			continue
		}
		if e.Body != nil {
			again(t, e.File, operation.Request, e.Body)
			n++
		}
		for _, shown := range e.Responses {
			for _, response := range operation.Responses {
				if response.Status == shown.Status && shown.Body != nil {
					again(t, e.File, response.Body, shown.Body)
					n++
				}
			}
		}
	}
	if n != 26 {
		t.Errorf("%d bodies", n)
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
	testkit.SameJSON(t, what, out, data)
}
