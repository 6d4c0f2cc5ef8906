package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/oidc"
)

var update = flag.Bool("update", false, "write testdata/answered.json")

const (
	walkTenant      = "7a1f0c0e-0000-4000-8000-000000000001"
	walkObject      = "7a1f0c0e-0000-4000-8000-000000000002"
	walkApplication = "7a1f0c0e-0000-4000-8000-000000000003"
	walkAudience    = "https://communication.azure.com/clients"
)

// answered is testdata/answered.json: the status of every operation by area,
// operation and version. The table of docs/compatibility.md is made from it.
type answered map[string]map[string]map[string]int

// walk asks for every operation of one version.
type walk struct {
	*rest
	area    acswire.Area
	version acswire.ServedVersion
	issuer  *testkit.Issuer
	values  map[string]string // of paths
	token   string            // of the user who walks
	done    map[string]int
}

// TestEveryOperationOfEveryVersion: whatever the tables say is served is
// answered as they say, and as the specification of its version has it.
func TestEveryOperationOfEveryVersion(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	issuer := testkit.NewIssuer(t)
	srv := start(t, server.Options{OIDC: []oidc.Issuer{{URL: issuer.URL, Uses: []oidc.Use{oidc.UseExchange}, Audiences: []string{walkAudience}}}})
	all := answered{}
	for _, a := range acswire.Areas() {
		all[a.String()] = map[string]map[string]int{}
		for n, v := range acswire.Versions(a) {
			t.Run(a.String()+"/"+v.Version.String(), func(t *testing.T) {
				w := &walk{rest: newREST(t, srv), area: a, version: v, issuer: issuer, done: map[string]int{}, values: map[string]string{
					"tenantId": walkTenant, "objectId": walkObject, "communicationServiceName": fmt.Sprintf("walk-%d", n), "resourceGroupName": "walk",
				}}
				w.values["subscriptionId"] = w.conn.SubscriptionID
				switch a {
				case acswire.AreaIdentity:
					w.identity()
				case acswire.AreaResourceManager:
					w.manager()
				case acswire.AreaChat:
					w.chat()
				default:
					t.Fatalf("nobody walks through %v", a)
				}
				for _, o := range acswire.Operations(a) {
					status, done := w.done[o.ID]
					if done != o.In(v) {
						t.Errorf("%s: asked for: %v, in the table: %v", o.ID, done, o.In(v))
						continue
					}
					if done {
						versions := all[a.String()][o.ID]
						if versions == nil {
							versions = map[string]int{}
							all[a.String()][o.ID] = versions
						}
						versions[v.Version.String()] = status
					}
				}
			})
		}
	}
	compareAnswered(t, all)
}

// compareAnswered holds what was answered against what is committed.
func compareAnswered(t *testing.T, all answered) {
	t.Helper()
	if t.Failed() {
		return
	}
	path := filepath.Join("testdata", "answered.json")
	fresh, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	fresh = append(fresh, '\n')
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, fresh, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, fresh) {
		t.Errorf("%s is not current: go test ./server -run TestEveryOperationOfEveryVersion -update, then make generate", path)
	}
}

// ask sends a request for an operation, if the version has it. The answer must
// be one of those in the table; what is not offered says that.
func (w *walk) ask(id, body string) *answer {
	w.t.Helper()
	o, ok := acswire.FindOperation(w.area, id, w.version)
	if !ok {
		return nil
	}
	parts := strings.Split(o.Route, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			parts[i] = "any"
			if value := w.values[strings.TrimSuffix(name, "}")]; value != "" {
				parts[i] = url.PathEscape(value)
			}
		}
	}
	target := strings.Join(parts, "/") + "?api-version=" + w.version.Version.String()
	req := w.request(o.Method, target, body)
	if len(o.RequestTypes) > 0 {
		req.Header.Set("Content-Type", o.RequestTypes[0])
	}
	switch o.Auth {
	case acswire.AuthExchange:
		req.Header.Set("Authorization", "Bearer "+w.foreignToken())
	case acswire.AuthManagement:
		req.Header.Set("Authorization", "Bearer "+w.conn.ARMToken)
	case acswire.AuthUser:
		req.Header.Set("Authorization", "Bearer "+w.token)
	case acswire.AuthNone, acswire.AuthService:
	}
	a := w.do(req)
	said := slices.ContainsFunc(o.Responses, func(r acswire.OperationResponse) bool { return r.Status == a.StatusCode })
	refused := a.StatusCode == http.StatusNotFound || a.StatusCode == http.StatusNotImplemented
	if !said && (!o.NotOffered || !refused) {
		w.t.Errorf("%s: %d %s", id, a.StatusCode, a.body)
	}
	if _, again := w.done[id]; !again {
		w.done[id] = a.StatusCode
	}
	return a
}

func (w *walk) foreignToken() string {
	return w.issuer.Token(walkAudience, time.Now().Add(time.Hour), map[string]any{"oid": walkObject, "tid": walkTenant, "appid": walkApplication, "scp": "VoIP"})
}

// identity walks through users, from their making to their end.
func (w *walk) identity() {
	w.t.Helper()
	for _, create := range []string{acswire.OpIdentityCreate, acswire.OpIdentityCreateV2020} {
		a := w.ask(create, "")
		if a == nil {
			continue
		}
		var made struct {
			ID       string
			Identity struct{ ID string }
		}
		if err := json.Unmarshal(a.body, &made); err != nil {
			w.t.Fatal(err)
		}
		w.values["id"] = made.ID + made.Identity.ID // one of them is empty
	}
	w.ask(acswire.OpIdentityGet, "")
	w.ask(acswire.OpIdentityIssueAccessToken, `{"scopes":["chat","voip"]}`)
	w.ask(acswire.OpIdentityIssueTokenV2020, `{"scopes":["chat","pstn"]}`)
	w.ask(acswire.OpIdentityRevokeAccessTokens, "")
	w.ask(acswire.OpIdentityUpdateV2020, `{"tokensValidFrom":"2020-01-01T00:00:00Z"}`)
	w.ask(acswire.OpIdentityExchangeTeamsUser, fmt.Sprintf(`{"token":%q,"appId":%q,"userId":%q}`, w.foreignToken(), walkApplication, walkObject))
	assignment := fmt.Sprintf(`{"tenantId":%q,"principalType":"user","clientIds":[%q]}`, walkTenant, walkApplication)
	w.ask(acswire.OpEntraAssignmentUpsert, assignment)
	w.ask(acswire.OpEntraAssignmentGet, "")
	w.ask(acswire.OpEntraAssignmentsList, "")
	w.ask(acswire.OpEntraAssignmentDelete, "")
	// It stays, for the exchanges of this version and of the next.
	w.ask(acswire.OpEntraAssignmentsUpdate, fmt.Sprintf(`{%q:%s}`, walkObject, assignment))
	w.ask(acswire.OpIdentityExchangeEntra, "")
	w.ask(acswire.OpTeamsExtensionUpsert, `{"principalType":"user"}`)
	w.ask(acswire.OpTeamsExtensionGet, "")
	w.ask(acswire.OpTeamsExtensionExchange, "")
	w.ask(acswire.OpTeamsExtensionDelete, "")
	w.ask(acswire.OpIdentityDelete, "")
	w.ask(acswire.OpIdentityDeleteV2020, "")
}

// chat walks through a thread, from its making to its end.
func (w *walk) chat() {
	w.t.Helper()
	var alice, bob string
	alice, w.token = w.user("chat")
	bob, _ = w.user("chat")
	w.ask(acswire.OpChatCreateThread, fmt.Sprintf(`{"topic":"Lunch","participants":[{"communicationIdentifier":{"communicationUser":{"id":%q}}}]}`, alice))
	w.ask(acswire.OpChatCreateThreadV2020, fmt.Sprintf(`{"topic":"Lunch","members":[{"id":%q}]}`, alice))
	var threads struct{ Value []struct{ ID string } }
	for _, list := range []string{acswire.OpChatListThreads, acswire.OpChatListThreadsV2020} {
		if a := w.ask(list, ""); a != nil {
			if err := json.Unmarshal(a.body, &threads); err != nil || len(threads.Value) != 1 {
				w.t.Fatalf("%s: %v", a.body, err)
			}
		}
	}
	w.values["chatThreadId"] = threads.Value[0].ID
	var sent struct{ ID string }
	for _, send := range []string{acswire.OpChatSendMessage, acswire.OpChatSendMessageV2020} {
		if a := w.ask(send, `{"content":"Hello"}`); a != nil {
			if err := json.Unmarshal(a.body, &sent); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.values["chatMessageId"], w.values["chatMemberId"] = sent.ID, bob
	for _, id := range []string{
		acswire.OpChatGetThread, acswire.OpChatListMessages, acswire.OpChatGetMessage, acswire.OpChatSendTyping,
		acswire.OpChatGetThreadV2020, acswire.OpChatListMessagesV2020, acswire.OpChatGetMessageV2020, acswire.OpChatSendTypingV2020,
	} {
		w.ask(id, "")
	}
	w.ask(acswire.OpChatUpdateThread, `{"topic":"Dinner"}`)
	w.ask(acswire.OpChatUpdateThreadV2020, `{"topic":"Dinner"}`)
	w.ask(acswire.OpChatUpdateMessage, `{"content":"Hello again"}`)
	w.ask(acswire.OpChatUpdateMessageV2020, `{"content":"Hello again"}`)
	read := fmt.Sprintf(`{"chatMessageId":%q}`, sent.ID)
	w.ask(acswire.OpChatSendReadReceipt, read)
	w.ask(acswire.OpChatSendReadReceiptV2020, read)
	w.ask(acswire.OpChatAddParticipants, fmt.Sprintf(`{"participants":[{"communicationIdentifier":{"communicationUser":{"id":%q}}}]}`, bob))
	w.ask(acswire.OpChatAddMembersV2020, fmt.Sprintf(`{"members":[{"id":%q}]}`, bob))
	for _, id := range []string{
		acswire.OpChatListReadReceipts, acswire.OpChatListReadReceiptsV2020, acswire.OpChatListParticipants, acswire.OpChatListMembersV2020,
	} {
		w.ask(id, "")
	}
	w.images()
	w.ask(acswire.OpChatRemoveParticipant, fmt.Sprintf(`{"communicationUser":{"id":%q}}`, bob))
	for _, id := range []string{
		acswire.OpChatRemoveMemberV2020, acswire.OpChatDeleteMessage, acswire.OpChatDeleteMessageV2020, acswire.OpChatDeleteThread, acswire.OpChatDeleteThreadV2020,
	} {
		w.ask(id, "")
	}
}

// images uploads an image, which not every version can that shows it.
func (w *walk) images() {
	w.t.Helper()
	c := &chatUser{rest: w.rest, token: w.token, version: acswire.VersionChatProperties().String()}
	w.values["imageId"], w.values["imageViewType"] = c.upload(w.values["chatThreadId"], "walk.png", picture(w.t, 4, 4)), acswire.ChatImageOriginal
	w.ask(acswire.OpChatUploadImage, string(picture(w.t, 4, 4)))
	w.ask(acswire.OpChatGetImage, "")
	w.ask(acswire.OpChatDeleteImage, "")
}

// manager walks through a resource, from its making to its end.
func (w *walk) manager() {
	w.t.Helper()
	w.ask(acswire.OpARMOperationsList, "")
	w.ask(acswire.OpARMCheckNameAvailability, `{"name":"another","type":"Microsoft.Communication/CommunicationServices"}`)
	w.finish(w.ask(acswire.OpARMServicesCreateOrUpdate, `{"location":"global","properties":{"dataLocation":"Europe"}}`))
	w.ask(acswire.OpARMServicesGet, "")
	w.ask(acswire.OpARMServicesListBySubscription, "")
	w.ask(acswire.OpARMServicesListByResourceGroup, "")
	w.ask(acswire.OpARMServicesUpdate, `{"tags":{"a":"b"}}`)
	w.ask(acswire.OpARMServicesListKeys, "")
	w.ask(acswire.OpARMServicesRegenerateKey, `{"keyType":"Primary"}`)
	hub := "/subscriptions/" + w.conn.SubscriptionID + "/resourceGroups/walk/providers/Microsoft.NotificationHubs/namespaces/a/notificationHubs/b"
	w.ask(acswire.OpARMServicesLinkNotificationHub, fmt.Sprintf(`{"resourceId":%q,"connectionString":"Endpoint=sb://a.example/;SharedAccessKeyName=b;SharedAccessKey=c"}`, hub))
	for _, o := range acswire.Operations(w.area) {
		if o.NotOffered {
			w.ask(o.ID, `{"location":"global","properties":{"dataLocation":"Europe"},"verificationType":"Domain"}`)
		}
	}
	w.finish(w.ask(acswire.OpARMServicesDelete, ""))
}

// finish waits for the end of what a request began, in both ways.
func (w *walk) finish(a *answer) {
	w.t.Helper()
	link, err := url.Parse(a.Header.Get(acswire.HeaderAsyncOperation))
	if err != nil || link.Path == "" {
		w.t.Fatalf("no link to the work: %v", a.Header)
	}
	parts := strings.Split(link.Path, "/")
	w.values["operationId"], w.values["location"] = parts[len(parts)-1], parts[len(parts)-3]
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		w.ask(acswire.OpARMOperationStatusGet, "")
		a := w.ask(acswire.OpARMSubscriptionOperationStatus, "")
		var status acswire.AsyncOperationStatus
		if err := json.Unmarshal(a.body, &status); err != nil {
			w.t.Fatal(err)
		}
		if *status.Status == acswire.ProvisioningStateSucceeded {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not done: %s", a.body)
		}
	}
}
