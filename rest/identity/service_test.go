package identity_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/contract"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/oidc"
)

// startService runs the real service and returns a transport that trusts it. At
// the end its answers are held against the specifications, when they are there.
func startService(t *testing.T, issuers ...oidc.Issuer) (server.Connection, *http.Client) {
	t.Helper()
	var recording bytes.Buffer
	srv, err := server.New(server.Options{DataDir: t.TempDir(), TURNAddr: "off", OIDC: issuers, Record: &recording})
	if err != nil {
		t.Fatal(err)
	}
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
	connection := srv.Connection()
	ca, err := os.ReadFile(connection.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the CA file")
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	return connection, &http.Client{Transport: tr}
}

func TestService(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	connection, transport := startService(t)
	var log bytes.Buffer
	options := &identity.ClientOptions{ClientOptions: core.ClientOptions{
		Transport: transport, Logging: core.LoggingOptions{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))},
	}}
	c, err := identity.NewClientFromConnectionString(connection.ConnectionString, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	made, err := c.CreateUser(ctx, nil)
	if err != nil || !strings.HasPrefix(made.Identifier().ID, "8:acs:") {
		t.Fatalf("%+v, %v", made, err)
	}
	both, err := c.CreateUserAndToken(ctx, []identity.TokenScope{identity.TokenScopeChat, identity.TokenScopeVoIP}, &identity.ClientCreateUserAndTokenOptions{ExpiresInMinutes: new(int32(60))})
	if err != nil || *both.User.ID == *made.ID {
		t.Fatalf("%+v, %v", both, err)
	}
	checkLife(t, both.AccessToken, time.Hour)
	token, err := c.GetToken(ctx, made.Identifier(), []identity.TokenScope{identity.TokenScopeVoIPJoin}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkLife(t, &token.AccessToken, 24*time.Hour)
	// Chat and call clients take the token.
	credential, err := common.NewStaticTokenCredential(*token.Token)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := credential.GetToken(ctx); err != nil || got.ExpiresOn.Unix() != token.ExpiresOn.Unix() {
		t.Errorf("%v, %v", got.ExpiresOn, err)
	}
	for _, secret := range []string{*token.Token, *both.AccessToken.Token, connection.AccessKey} {
		if strings.Contains(log.String(), secret) {
			t.Error("the log shows a secret")
		}
	}
	if !strings.Contains(log.String(), "status=201") {
		t.Errorf("log %s", log.String())
	}
	checkCustomID(t, c)
	checkEnd(t, c, both.User.Identifier())
	checkRefusals(t, c, connection, transport, made.Identifier())
}

func checkLife(t *testing.T, token *identity.AccessToken, life time.Duration) {
	t.Helper()
	if left := time.Until(*token.ExpiresOn); left > life || left < life-5*time.Minute || strings.Count(*token.Token, ".") != 2 {
		t.Errorf("a token for %v has %v left", life, left)
	}
}

func checkCustomID(t *testing.T, c *identity.Client) {
	t.Helper()
	first, err := c.CreateUser(t.Context(), &identity.ClientCreateUserOptions{CustomID: new("alice@contoso.com")})
	if err != nil || first.CustomID == nil || *first.CustomID != "alice@contoso.com" || first.LastTokenIssuedAt != nil {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := c.CreateUserAndToken(t.Context(), []identity.TokenScope{identity.TokenScopeChat}, &identity.ClientCreateUserAndTokenOptions{CustomID: new("alice@contoso.com")})
	if err != nil || *second.User.ID != *first.ID || second.User.LastTokenIssuedAt == nil {
		t.Fatalf("%+v, %v", second, err)
	}
}

// checkEnd revokes the tokens of a user and deletes the user.
func checkEnd(t *testing.T, c *identity.Client, user common.CommunicationUserIdentifier) {
	t.Helper()
	ctx := t.Context()
	found, err := c.GetUser(ctx, user, nil)
	if err != nil || *found.ID != user.ID || found.CustomID != nil || found.LastTokenIssuedAt == nil || time.Since(*found.LastTokenIssuedAt) > 10*time.Minute {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := c.RevokeTokens(ctx, user, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteUser(ctx, user, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.GetUser(ctx, user, nil); !core.HasCode(err, identity.CodeIdentityNotOwned) {
		t.Errorf("after its end: %v", err)
	}
}

func checkRefusals(t *testing.T, c *identity.Client, connection server.Connection, transport core.Transporter, made common.CommunicationUserIdentifier) {
	t.Helper()
	ctx := t.Context()
	stranger := common.CommunicationUserIdentifier{ID: made.ID[:len(made.ID)-12] + "000000000000"}
	chat := []identity.TokenScope{identity.TokenScopeChat}
	wrong, err := core.NewKeyCredential("d3Jvbmc=")
	if err != nil {
		t.Fatal(err)
	}
	intruder, err := identity.NewClientWithKey(connection.Endpoint, wrong, &identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		err    error
		status int
		codes  []string
		target string
	}{
		"stranger":  {second(c.GetToken(ctx, stranger, chat, nil)), 401, []string{identity.CodeIdentityNotOwned}, ""},
		"lifetime":  {second(c.GetToken(ctx, made, chat, &identity.ClientGetTokenOptions{ExpiresInMinutes: new(int32(59))})), 400, []string{identity.CodeValidationError}, "ExpiresInMinutes"},
		"no scopes": {second(c.GetToken(ctx, made, nil, nil)), 400, []string{identity.CodeValidationError}, "scopes"},
		"wrong key": {second(intruder.CreateUser(ctx, nil)), 401, []string{identity.CodeDenied, identity.CodeUnauthorized}, ""},
	} {
		var refused *core.ResponseError
		if !errors.As(one.err, &refused) || refused.StatusCode != one.status || !core.HasCode(one.err, one.codes...) || refused.Target != one.target || refused.Message == "" {
			t.Errorf("%s: %v", name, one.err)
		}
	}
}

func TestService_PlainHTTP(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	connection, transport := startService(t)
	plain := "endpoint=" + connection.HTTPEndpoint + ";accesskey=" + connection.AccessKey
	for _, allowed := range []bool{false, true} {
		c, err := identity.NewClientFromConnectionString(plain, &identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: transport, AllowPlainHTTP: allowed}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateUser(t.Context(), nil); allowed != (err == nil) || (!allowed && !errors.Is(err, core.ErrPlainHTTP)) {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
	// A client that does not trust the service's authority says so at once.
	c, err := identity.NewClientFromConnectionString(connection.ConnectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	var unknown *tls.CertificateVerificationError
	if _, err := c.CreateUser(t.Context(), nil); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
