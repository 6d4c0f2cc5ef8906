package openapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/contract"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/openapi"
)

// TestDocument_AsSpecified: what is published for a version is what ACS
// specified for it: every operation, parameter, status and member, and no more
// than the differences that are known by name.
func TestDocument_AsSpecified(t *testing.T) {
	root := testkit.Specifications()
	if root == "" {
		testkit.Missing(t, "no specifications at PARLEY_SHARED")
	}
	met := map[string]bool{}
	for _, a := range acswire.Areas() {
		versions, err := contract.Versions(root, a.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range versions {
			t.Run(a.String()+"/"+version, func(t *testing.T) {
				c, err := contract.Load(root, a.String(), version)
				if err != nil {
					t.Fatal(err)
				}
				for _, difference := range compare(a, c, parse(t, a.String(), version)) {
					name, ok := expected(difference)
					if !ok {
						t.Error(difference)
					}
					met[name] = true
				}
			})
		}
	}
	for name := range known() {
		if !met[name] {
			t.Errorf("%s: no difference any more", name)
		}
	}
}

func parse(t *testing.T, area, version string) *openapi3.T {
	t.Helper()
	doc, err := openapi.Document(area, version)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// known are the differences that are meant, by the operation and what is said of
// it; docs/compatibility.md tells of them. A * ends what only begins so.
func known() map[string]string {
	return map[string]string{
		"CommunicationIdentity_Get":                                                                "recorded, specified for 2025-03-02-preview, not here",
		"Entra_ExchangeAccessToken":                                                                "in SDKs, specified nowhere",
		"CommunicationIdentity_Create adds request customId":                                       "recorded, specified for 2025-03-02-preview, not here",
		"CommunicationIdentity_Create adds 201 identity.*":                                         "recorded, specified for 2025-03-02-preview, not here",
		"TeamsExtension_ExchangeToken adds 200 identity.*":                                         "a user as the other operations give it",
		"OperationStatuses_*":                                                                      "recorded and followed by every SDK, specified nowhere",
		"CommunicationServices_ListBySubscription adds parameter *":                                "what the links to the next page have",
		"CommunicationServices_ListByResourceGroup adds parameter *":                               "what the links to the next page have",
		"CommunicationServices_Get adds parameter header if-none-match":                            "ETags, as everywhere in the resource manager",
		"CommunicationServices_Get adds status 304":                                                "ETags, as everywhere in the resource manager",
		"CommunicationServices_CreateOrUpdate adds parameter header *":                             "ETags, as everywhere in the resource manager",
		"CommunicationServices_Update adds parameter header if-match":                              "ETags, as everywhere in the resource manager",
		"CommunicationServices_Delete adds parameter header if-match":                              "ETags, as everywhere in the resource manager",
		"CommunicationServices_Delete lacks status 200":                                            "it takes a while always: 202, or 204 for nothing there",
		"ChatThread_GetChatImage":                                                                  "links of attachments are asked for with any version that shows them",
		"Chat_CreateChatThread adds request retentionPolicy.deleteThreadAfterDays":                 "of one kind only, which the specification has apart",
		"Chat_CreateChatThread adds 201 chatThread.retentionPolicy.deleteThreadAfterDays":          "of one kind only, which the specification has apart",
		"ChatThread_GetChatThreadProperties adds 200 retentionPolicy.deleteThreadAfterDays":        "of one kind only, which the specification has apart",
		"ChatThread_UpdateChatThreadProperties adds request retentionPolicy.deleteThreadAfterDays": "of one kind only, which the specification has apart",
		"CommunicationServices_Update lacks request *":                                             "2020-08-20 takes the whole resource and changes the tags",
	}
}

// expected returns the name under which a difference is known.
func expected(difference string) (string, bool) {
	for name := range known() {
		begin, open := strings.CutSuffix(name, "*")
		if difference == name || open && strings.HasPrefix(difference, begin) {
			return name, true
		}
	}
	return "", false
}

// compare returns how a document differs from its specification.
func compare(a acswire.Area, c *contract.Contract, ours *openapi3.T) []string {
	var list []string
	seen := map[string]bool{}
	for route, item := range ours.Paths.Map() {
		for method, o := range item.Operations() {
			want, ok := c.Shape(method, route)
			if !ok {
				list = append(list, o.OperationID)
				continue
			}
			seen[contract.Key(method, route)] = true
			if offered := slices.ContainsFunc(acswire.Operations(a), func(known acswire.Operation) bool {
				return known.ID == o.OperationID && !known.NotOffered
			}); !offered {
				continue
			}
			have := contract.ShapeOf(o)
			for _, d := range have.Differences(&want) {
				list = append(list, o.OperationID+" "+d)
			}
		}
	}
	for _, name := range c.Operations() {
		if !seen[name] {
			list = append(list, "lacks "+name)
		}
	}
	return list
}
