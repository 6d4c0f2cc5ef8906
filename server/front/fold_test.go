package front_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// TestFront_ResourceManagerPathsHaveNoCase sends them as different clients do.
func TestFront_ResourceManagerPathsHaveNoCase(t *testing.T) {
	var got string
	handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
		got = r.Param("group") + " " + r.Param("name")
		return &front.Response{Status: 200}, nil
	}
	operations := []acswire.Operation{
		{Area: acswire.AreaResourceManager, ID: "Get", Method: "GET", Route: "/subscriptions/{s}/resourceGroups/{group}/providers/Microsoft.Communication/communicationServices/{name}", Auth: acswire.AuthNone},
		{Area: acswire.AreaResourceManager, ID: "List", Method: "GET", Route: "/providers/Microsoft.Communication/operations", Auth: acswire.AuthNone},
	}
	f, err := front.New(front.Options{Resources: resources{local}},
		front.Area{Area: acswire.AreaResourceManager, Operations: operations, Handlers: map[string]front.Handler{"Get": handle, "List": handle}},
		front.Area{Area: acswire.AreaIdentity, Operations: []acswire.Operation{{Area: acswire.AreaIdentity, ID: "One", Method: "GET", Route: "/identities/{name}", Auth: acswire.AuthNone}}, Handlers: map[string]front.Handler{"One": handle}},
	)
	if err != nil {
		t.Fatal(err)
	}
	const version = "?api-version=2023-04-01"
	for target, want := range map[string]string{
		"/subscriptions/S/resourceGroups/Group/providers/Microsoft.Communication/communicationServices/Name" + version:              "Group Name",
		"/SUBSCRIPTIONS/S/resourcegroups/Group/providers/microsoft.communication/communicationservices/Name" + version:              "Group Name",
		"/subscriptions/S/resourceGroups/a%2Fb/Providers/Microsoft.Communication/CommunicationServices/n%20n" + version:             "a/b n n",
		"/Providers/microsoft.communication/Operations" + version:                                                                   " ",
		"/subscriptions/S/resourceGroups/Group/providers/Microsoft.Communication/communicationServices/Name/more" + version:         "404",
		"/Identities/PROVIDERS?api-version=2023-10-01":                                                                              "404",
		"/identities/PROVIDERS?api-version=2023-10-01":                                                                              " PROVIDERS",
		"/subscriptionsx/S/resourcegroups/Group/providers/microsoft.communication/communicationservices/Name" + version:             "404",
		"/subscriptions/S/resourceGroups/Group/providers/Microsoft.Communication/communicationServices/Name?api-version=2010-01-01": "400",
	} {
		got = ""
		w := call(t, f, request("GET", target, ""), "", "")
		if w.Code != 200 {
			got = fmt.Sprint(w.Code)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	w := call(t, f, request("PUT", "/providers/microsoft.communication/operations"+version, ""), "", "")
	if w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
