package chat_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/contract"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/server"
)

// service is a real one, and what makes people for it.
type service struct {
	t          *testing.T
	connection server.Connection
	transport  *http.Client
	identity   *identity.Client
	log        bytes.Buffer // of the clients
	logger     *slog.Logger // writes it; one for all of them, they run at once
}

// startService runs the real service. At the end its answers are held against
// the specifications, when they are there.
func startService(t *testing.T, with ...func(*server.Options)) *service {
	t.Helper()
	var recording bytes.Buffer
	options := server.Options{DataDir: t.TempDir(), TURNAddr: "off", Record: &recording}
	for _, set := range with {
		set(&options)
	}
	srv, err := server.New(options)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, connection: srv.Connection()}
	s.logger = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		root := testkit.Specifications()
		if root == "" {
			return
		}
		result, err := contract.CheckRecording(root, &recording)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range result.Problems {
			t.Error(problem)
		}
	})
	ca, err := os.ReadFile(s.connection.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the CA file")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	s.transport = &http.Client{Transport: transport}
	s.identity, err = identity.NewClientFromConnectionString(s.connection.ConnectionString, &identity.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: s.transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// person is a user and a client of it.
type person struct {
	common.CommunicationUserIdentifier
	token string
	*chat.Client
}

func (s *service) person(version string, scopes ...identity.TokenScope) person {
	s.t.Helper()
	if len(scopes) == 0 {
		scopes = []identity.TokenScope{identity.TokenScopeChat}
	}
	made, err := s.identity.CreateUserAndToken(s.t.Context(), scopes, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return person{made.User.Identifier(), *made.AccessToken.Token, s.client(*made.AccessToken.Token, version)}
}

func (s *service) client(token, version string) *chat.Client {
	s.t.Helper()
	credential, err := common.NewStaticTokenCredential(token)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := chat.NewClient(s.connection.Endpoint, credential, &chat.ClientOptions{ClientOptions: core.ClientOptions{
		Transport: s.transport, APIVersion: version,
		Logging: core.LoggingOptions{Logger: s.logger},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// talk makes a thread of two and returns both ends.
func (s *service) talk(a, b person) (string, *chat.ThreadClient, *chat.ThreadClient) {
	s.t.Helper()
	made, err := a.CreateThread(s.t.Context(), "Lunch", &chat.ClientCreateThreadOptions{Participants: []chat.Participant{{Identifier: b}}})
	if err != nil || len(made.InvalidParticipants) != 0 {
		s.t.Fatalf("%+v, %v", made.InvalidParticipants, err)
	}
	return *made.Thread.ID, threadOf(s.t, a.Client, *made.Thread.ID), threadOf(s.t, b.Client, *made.Thread.ID)
}

func messagesOf(t *testing.T, thread *chat.ThreadClient, options *chat.ThreadClientListMessagesOptions) []chat.Message {
	t.Helper()
	var all []chat.Message
	for page, err := range thread.NewListMessagesPager(options).Pages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if options != nil && options.MaxPageSize != nil && len(page.Value) > int(*options.MaxPageSize) {
			t.Errorf("a page of %d", len(page.Value))
		}
		all = append(all, page.Value...)
	}
	return all
}

func participantsOf(t *testing.T, thread *chat.ThreadClient) []string {
	t.Helper()
	var ids []string
	for page, err := range thread.NewListParticipantsPager(&chat.ThreadClientListParticipantsOptions{MaxPageSize: new(int32(1))}).Pages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Value {
			ids = append(ids, p.Identifier.RawID())
		}
	}
	slices.Sort(ids)
	return ids
}

// TestService_Versions: the life of a thread at every version that the client
// speaks.
func TestService_Versions(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	for _, version := range []string{"2021-03-07", "2021-09-07", "2023-11-07", "2024-03-07", "2024-06-05-preview", "2025-03-15"} {
		t.Run(version, func(t *testing.T) {
			alice, bob, carol := s.person(version), s.person(version), s.person(version)
			id, a, b := s.talk(alice, bob)
			ctx := t.Context()
			sent, err := a.SendMessage(ctx, "hello", &chat.ThreadClientSendMessageOptions{Type: new(chat.MessageTypeHTML), SenderDisplayName: new("Alice")})
			if err != nil {
				t.Fatal(err)
			}
			_, errTopic := a.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{Topic: new("Dinner")})
			_, errUpdate := a.UpdateMessage(ctx, *sent.ID, &chat.ThreadClientUpdateMessageOptions{Content: new("hello again")})
			_, errReceipt := b.SendReadReceipt(ctx, *sent.ID, nil)
			_, errTyping := b.SendTypingNotification(ctx, nil)
			_, errAdd := a.AddParticipants(ctx, []chat.Participant{{Identifier: carol, DisplayName: new("Carol"), ShareHistoryTime: new(time.Unix(0, 0))}}, nil)
			if err := errors.Join(errTopic, errUpdate, errReceipt, errTyping, errAdd); err != nil {
				t.Fatal(err)
			}
			got, err := threadOf(t, carol.Client, id).GetMessage(ctx, *sent.ID, nil)
			if err != nil || *got.Content.Message != "hello again" || got.EditedOn == nil || got.Sender != common.Identifier(alice.CommunicationUserIdentifier) ||
				*got.SenderDisplayName != "Alice" || *got.Type != chat.MessageTypeHTML {
				t.Errorf("%+v, %v", got, err)
			}
			receipts, err := a.NewListReadReceiptsPager(nil).NextPage(ctx)
			if err != nil || len(receipts.Value) != 1 || receipts.Value[0].Sender != common.Identifier(bob.CommunicationUserIdentifier) ||
				*receipts.Value[0].MessageID != *sent.ID || receipts.Value[0].ReadOn == nil {
				t.Errorf("%+v, %v", receipts, err)
			}
			threads, err := carol.NewListThreadsPager(nil).NextPage(ctx)
			if err != nil || len(threads.Value) != 1 || *threads.Value[0].ID != id || *threads.Value[0].Topic != "Dinner" {
				t.Errorf("%+v, %v", threads, err)
			}
			if _, err := b.RemoveParticipant(ctx, carol, nil); err != nil {
				t.Error(err)
			}
			want := []string{alice.ID, bob.ID}
			slices.Sort(want)
			if got := participantsOf(t, a); !slices.Equal(got, want) {
				t.Errorf("participants %q", got)
			}
			if _, err := a.DeleteMessage(ctx, *sent.ID, nil); err != nil {
				t.Error(err)
			}
			if _, err := alice.DeleteThread(ctx, id, nil); err != nil {
				t.Error(err)
			}
			if _, err := b.GetProperties(ctx, nil); !core.HasCode(err, chat.CodeNotFound) {
				t.Errorf("after its end: %v", err)
			}
		})
	}
	for _, secret := range []string{"hello", "Dinner", "Carol"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the clients' log shows %s", secret)
		}
	}
}

// TestService_Properties: what the newest version has of a thread comes back as
// it was given.
func TestService_Properties(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	ctx := t.Context()
	nobody := common.CommunicationUserIdentifier{ID: bob.ID[:len(bob.ID)-12] + "000000000000"}
	options := &chat.ClientCreateThreadOptions{
		Participants: []chat.Participant{{Identifier: bob, DisplayName: new("Bob"), Metadata: map[string]string{"role": "guest"}}, {Identifier: nobody}},
		Metadata:     map[string]string{"place": "Café <b>"}, RetentionPolicy: chat.DeleteAfterDays(31), RepeatabilityRequestID: new(core.NewUUID()),
	}
	made, err := alice.CreateThread(ctx, "Lunch", options)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.InvalidParticipants) != 1 || *made.InvalidParticipants[0].Target != nobody.ID || *made.InvalidParticipants[0].Code != "403" {
		t.Errorf("%+v", made.InvalidParticipants)
	}
	again, err := alice.CreateThread(ctx, "Lunch", options)
	if err != nil || *again.Thread.ID != *made.Thread.ID {
		t.Errorf("%+v, %v", again.Thread, err)
	}
	thread := threadOf(t, bob.Client, *made.Thread.ID)
	got, err := thread.GetProperties(ctx, nil)
	if err != nil || *got.Topic != "Lunch" || got.Metadata["place"] != "Café <b>" || *got.RetentionPolicy.DeleteThreadAfterDays != 31 ||
		got.CreatedBy != common.Identifier(alice.CommunicationUserIdentifier) || time.Since(*got.CreatedOn) > time.Hour {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = thread.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{
		Metadata: map[string]*string{"place": nil, "time": new("noon")}, RetentionPolicy: &chat.RetentionPolicy{Kind: new(chat.RetentionPolicyNone)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err = thread.GetProperties(ctx, nil)
	if err != nil || *got.Topic != "Lunch" || len(got.Metadata) != 1 || got.Metadata["time"] != "noon" || *got.RetentionPolicy.Kind != chat.RetentionPolicyNone {
		t.Errorf("%+v, %v", got, err)
	}
	page, err := thread.NewListParticipantsPager(nil).NextPage(ctx)
	if err != nil || len(page.Value) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, p := range page.Value {
		if p.Identifier == common.Identifier(bob.CommunicationUserIdentifier) && (*p.DisplayName != "Bob" || p.Metadata["role"] != "guest") {
			t.Errorf("%+v", p)
		}
	}
}

// lossy loses the first answer to the creation of a thread.
type lossy struct {
	to   core.Transporter
	lost bool
}

func (l *lossy) Do(req *http.Request) (*http.Response, error) {
	resp, err := l.to.Do(req)
	if err == nil && req.Method == http.MethodPost && !l.lost {
		l.lost = true
		return nil, errors.Join(errors.New("the connection broke"), resp.Body.Close())
	}
	return resp, err
}

// TestService_LostAnswer: the client asks again, and there is one thread.
func TestService_LostAnswer(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	alice := s.person("")
	credential, err := common.NewStaticTokenCredential(alice.token)
	if err != nil {
		t.Fatal(err)
	}
	wire := &lossy{to: s.transport}
	c, err := chat.NewClient(s.connection.Endpoint, credential, &chat.ClientOptions{ClientOptions: core.ClientOptions{
		Transport: wire, Retry: core.RetryOptions{RetryDelay: -1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateThread(t.Context(), "Once", nil)
	if err != nil || !wire.lost {
		t.Fatalf("lost %v, %v", wire.lost, err)
	}
	page, err := alice.NewListThreadsPager(nil).NextPage(t.Context())
	if err != nil || len(page.Value) != 1 || *page.Value[0].ID != *made.Thread.ID {
		t.Errorf("%+v, %v", page.Value, err)
	}
}

// TestService_History: many write at once; all see one order, on pages of any
// size.
func TestService_History(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	_, a, b := s.talk(alice, bob)
	const writers, each = 4, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]string{}
	for writer := range writers {
		wg.Go(func() {
			thread := []*chat.ThreadClient{a, b}[writer%2]
			for i := range each {
				text := fmt.Sprintf("%d/%d", writer, i)
				made, err := thread.SendMessage(context.WithoutCancel(t.Context()), text, nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent[*made.ID] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	first := messagesOf(t, a, nil)
	var order []string
	last := map[byte]string{}
	for _, m := range first {
		order = append(order, *m.ID)
		if *m.Type != chat.MessageTypeText {
			continue
		}
		text := *m.Content.Message
		if sent[*m.ID] != text {
			t.Errorf("message %s is %q", *m.ID, text)
		}
		delete(sent, *m.ID)
		// The newest is first: what one wrote goes down.
		if before, ok := last[text[0]]; ok && before <= text {
			t.Errorf("%s stands before %s", before, text)
		}
		last[text[0]] = text
	}
	if len(sent) != 0 || len(order) != writers*each+2 {
		t.Errorf("%d of %d messages, %d missing", len(order), writers*each+2, len(sent))
	}
	for _, size := range []int32{1, 7, 200} {
		var got []string
		for _, m := range messagesOf(t, b, &chat.ThreadClientListMessagesOptions{MaxPageSize: &size}) {
			got = append(got, *m.ID)
		}
		if !slices.Equal(got, order) {
			t.Errorf("pages of %d: another order", size)
		}
	}
	if later := messagesOf(t, b, &chat.ThreadClientListMessagesOptions{StartTime: new(time.Now().Add(time.Hour))}); len(later) != 0 {
		t.Errorf("%d messages of the future", len(later))
	}
}

func TestService_Refusals(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	alice, bob, stranger := s.person(""), s.person(""), s.person("")
	id, a, b := s.talk(alice, bob)
	out := threadOf(t, stranger.Client, id)
	ctx := t.Context()
	sent, err := a.SendMessage(ctx, "mine", nil)
	if err != nil {
		t.Fatal(err)
	}
	joined := s.person("", identity.TokenScopeChatJoinLimited)
	if _, err := a.AddParticipants(ctx, []chat.Participant{{Identifier: joined}}, nil); err != nil {
		t.Fatal(err)
	}
	limited := threadOf(t, joined.Client, id)
	second := func(_ any, err error) error { return err }
	for name, one := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"stranger reads":        {second(out.GetMessage(ctx, *sent.ID, nil)), 403, chat.CodeForbidden},
		"stranger lists":        {second(out.NewListMessagesPager(nil).NextPage(ctx)), 403, chat.CodeForbidden},
		"stranger writes":       {second(out.SendMessage(ctx, "x", nil)), 403, chat.CodeForbidden},
		"stranger joins":        {second(out.AddParticipants(ctx, []chat.Participant{{Identifier: stranger}}, nil)), 403, chat.CodeForbidden},
		"stranger deletes":      {second(stranger.DeleteThread(ctx, id, nil)), 403, chat.CodeForbidden},
		"another's message":     {second(b.UpdateMessage(ctx, *sent.ID, &chat.ThreadClientUpdateMessageOptions{Content: new("x")})), 403, chat.CodeForbidden},
		"another's, deleted":    {second(b.DeleteMessage(ctx, *sent.ID, nil)), 403, chat.CodeForbidden},
		"limited creates":       {second(joined.CreateThread(ctx, "x", nil)), 403, chat.CodeForbidden},
		"limited removes":       {second(limited.RemoveParticipant(ctx, bob, nil)), 403, chat.CodeForbidden},
		"no such message":       {second(a.GetMessage(ctx, "1", nil)), 404, chat.CodeNotFound},
		"no message id":         {second(a.GetMessage(ctx, "message", nil)), 400, chat.CodeBadRequest},
		"no thread id":          {second(alice.DeleteThread(ctx, "thread", nil)), 400, chat.CodeBadRequest},
		"no such thread":        {second(threadOf(t, alice.Client, "19:00000000000000000000000000000000@thread.v2").GetProperties(ctx, nil)), 404, chat.CodeNotFound},
		"no identifier":         {second(a.RemoveParticipant(ctx, common.CommunicationUserIdentifier{ID: "8:acs:fakeid"}, nil)), 400, chat.CodeBadRequest},
		"retention of 29 days":  {second(alice.CreateThread(ctx, "x", &chat.ClientCreateThreadOptions{RetentionPolicy: chat.DeleteAfterDays(29)})), 400, chat.CodeBadRequest},
		"not a signature":       {second(s.client(alice.token[:strings.LastIndex(alice.token, ".")]+"."+strings.Repeat("A", 86), "").NewListThreadsPager(nil).NextPage(ctx)), 401, ""},
		"wrong type of message": {second(a.SendMessage(ctx, "x", &chat.ThreadClientSendMessageOptions{Type: new(chat.MessageTypeTopicUpdated)})), 400, chat.CodeBadRequest},
	} {
		var refused *core.ResponseError
		if !errors.As(one.err, &refused) || refused.StatusCode != one.status || (one.code != "" && !core.HasCode(one.err, one.code)) {
			t.Errorf("%s: %v", name, one.err)
		}
	}
	if _, err := s.identity.RevokeTokens(ctx, bob.CommunicationUserIdentifier, nil); err != nil {
		t.Fatal(err)
	}
	var refused *core.ResponseError
	if _, err := b.SendMessage(ctx, "x", nil); !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a revoked token: %v", err)
	}
}
