import com.azure.communication.common.CommunicationUserIdentifier;
import com.azure.communication.identity.CommunicationIdentityAsyncClient;
import com.azure.communication.identity.CommunicationIdentityClient;
import com.azure.communication.identity.CommunicationIdentityClientBuilder;
import com.azure.communication.identity.CommunicationIdentityServiceVersion;
import com.azure.communication.identity.models.CommunicationTokenScope;
import com.azure.communication.identity.models.CommunicationUserIdentifierAndToken;
import com.azure.communication.identity.models.GetTokenForTeamsUserOptions;
import com.azure.core.credential.AccessToken;
import com.azure.core.credential.AzureKeyCredential;
import com.azure.core.http.HttpClient;
import com.azure.core.http.netty.NettyAsyncHttpClientBuilder;
import com.azure.core.http.policy.FixedDelayOptions;
import com.azure.core.http.policy.RetryOptions;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.File;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import javax.net.ssl.TrustManagerFactory;

/** com.azure:azure-communication-identity. */
final class IdentityChecks {
    private static final List<String> SCOPES = List.of("chat", "voip", "chat.join", "chat.join.limited", "voip.join");

    private IdentityChecks() {
    }

    static CommunicationIdentityClientBuilder builder() {
        return new CommunicationIdentityClientBuilder().connectionString(Suite.setting("connectionString"));
    }

    static List<CommunicationTokenScope> scopes(List<String> names) {
        return names.stream().map(CommunicationTokenScope::fromString).toList();
    }

    static List<CommunicationTokenScope> scope(String name) {
        return scopes(List.of(name));
    }

    private static void check(String name, Suite.Check check) {
        Suite.check("identity: " + name, check);
    }

    static void run() {
        CommunicationIdentityClient client = builder().buildClient();
        users(client);
        tokens(client);
        teams(client);
        versions();
        doors();
        check("429 is waited out and repeated", IdentityChecks::limited);
        check("without the CA nothing is sent", IdentityChecks::untrusted);
        check("the asynchronous client", IdentityChecks::asynchronous);
    }

    private static void users(CommunicationIdentityClient client) {
        check("createUser", () -> {
            String id = client.createUser().getId();
            Suite.isTrue(id.matches(Suite.USER), id);
        });
        check("revokeTokens ends tokens and lets new ones be issued", () -> {
            CommunicationUserIdentifierAndToken made = client.createUserAndToken(scope("voip"));
            String id = made.getUser().getId();
            String token = made.getUserToken().getToken();
            Suite.accepted(token, id);
            String agent = Suite.helper("/agent/open", Map.of("token", token)).get("id").asText();
            client.revokeTokens(made.getUser());
            Suite.refusedToken(token);
            Suite.isTrue(Suite.helper("/agent/ended", Map.of("id", agent)).get("ended").asBoolean(), "the open connection lives on");
            Suite.accepted(client.getToken(made.getUser(), scope("voip")).getToken(), id);
        });
        check("deleteUser", () -> {
            CommunicationUserIdentifierAndToken made = client.createUserAndToken(scope("voip"));
            client.deleteUser(made.getUser());
            Suite.refusedToken(made.getUserToken().getToken());
            Suite.refused(() -> client.getToken(made.getUser(), scope("chat")), 401, "IdentityNotOwned", null);
        });
    }

    private static void tokens(CommunicationIdentityClient client) {
        check("createUserAndToken", () -> {
            CommunicationUserIdentifierAndToken made = client.createUserAndToken(scopes(SCOPES));
            String token = made.getUserToken().getToken();
            Suite.equal("8:" + Suite.claims(token).get("skypeid").asText(), made.getUser().getId());
            Suite.equal(Suite.list(Suite.claims(token).get("acsScope").asText()), SCOPES);
            Suite.equal(Suite.minutesLeft(made.getUserToken().getExpiresAt()), 1440L);
            Suite.equal(Suite.claims(token).get("exp").asLong(), made.getUserToken().getExpiresAt().toEpochSecond());
            Suite.accepted(token, made.getUser().getId());
        });
        for (long minutes : new long[] {60, 90, 1440}) {
            check("a lifetime of " + minutes + " minutes", () -> {
                CommunicationUserIdentifierAndToken made = client.createUserAndToken(scope("chat"), Duration.ofMinutes(minutes));
                Suite.equal(Suite.minutesLeft(made.getUserToken().getExpiresAt()), minutes);
                AccessToken issued = client.getToken(made.getUser(), scope("chat"), Duration.ofMinutes(minutes));
                Suite.equal(Suite.minutesLeft(issued.getExpiresAt()), minutes);
            });
        }
        for (long minutes : new long[] {59, 1441}) {
            check("a lifetime of " + minutes + " minutes is refused", () -> Suite.refused(
                () -> client.createUserAndToken(scope("chat"), Duration.ofMinutes(minutes)), 400, "ValidationError", "ExpiresInMinutes"));
        }
        check("getToken with each scope", () -> {
            CommunicationUserIdentifier user = client.createUser();
            for (String name : SCOPES) {
                Suite.equal(Suite.claims(client.getToken(user, scope(name)).getToken()).get("acsScope").asText(), name);
            }
        });
        check("an unknown scope is refused", () -> Suite.refused(() -> client.getToken(client.createUser(), scope("everything")), 400, null, null));
        check("no scopes are refused", () -> Suite.refused(() -> client.getToken(client.createUser(), List.of()), 400, "ValidationError", null));
        check("a user of another resource is refused", () -> Suite.refused(
            () -> client.getToken(new CommunicationUserIdentifier(Suite.setting("foreignUser")), scope("chat")), 401, "IdentityNotOwned", null));
    }

    private static AccessToken teamsToken(CommunicationIdentityClient client, String token, String user) {
        return client.getTokenForTeamsUser(new GetTokenForTeamsUserOptions(token, Suite.setting("teams/clientId"), user));
    }

    private static void teams(CommunicationIdentityClient client) {
        String user = Suite.setting("teams/userObjectId");
        check("getTokenForTeamsUser", () -> {
            AccessToken token = teamsToken(client, Suite.foreign("teams", Map.of()), user);
            Suite.isTrue(!token.isExpired(), "the token has expired");
            Suite.isTrue(Suite.claims(token.getToken()).get("exp").asLong() > 0, "no end");
        });
        check("getTokenForTeamsUser for somebody else is refused", () -> Suite.refused(
            () -> teamsToken(client, Suite.foreign("teams", Map.of()), Suite.setting("teams/tenantId")), 401, null, null));
        check("getTokenForTeamsUser with no token of the issuer is refused", () -> Suite.refused(
            () -> teamsToken(client, "invalid", user), 401, "InvalidAccessToken", null));
    }

    private static void versions() {
        for (CommunicationIdentityServiceVersion version : CommunicationIdentityServiceVersion.values()) {
            check("api-version " + version.getVersion(), () -> {
                CommunicationIdentityClient old = builder().serviceVersion(version).buildClient();
                CommunicationUserIdentifierAndToken made = old.createUserAndToken(scopes(List.of("chat", "voip")));
                Suite.accepted(made.getUserToken().getToken(), made.getUser().getId());
                Suite.accepted(old.getToken(made.getUser(), scope("voip")).getToken(), made.getUser().getId());
                old.revokeTokens(made.getUser());
                Suite.refusedToken(made.getUserToken().getToken());
                old.deleteUser(made.getUser());
            });
        }
    }

    private static CommunicationIdentityClient keyed(String key) {
        return new CommunicationIdentityClientBuilder().endpoint(Suite.setting("endpoint")).credential(new AzureKeyCredential(key)).buildClient();
    }

    private static CommunicationIdentityClient bearer(Map<String, ?> claims) {
        return new CommunicationIdentityClientBuilder().endpoint(Suite.setting("endpoint"))
            .credential(Suite.credential("service", claims)).buildClient();
    }

    private static void doors() {
        check("endpoint and key credential", () -> keyed(Suite.setting("accessKey")).createUser());
        check("a wrong key is refused", () -> Suite.refused(() -> keyed(Suite.otherKey()).createUser(), 401, null, null));
        check("a bearer token of the trusted issuer", () -> {
            CommunicationUserIdentifierAndToken made = bearer(Map.of()).createUserAndToken(scope("voip"));
            Suite.accepted(made.getUserToken().getToken(), made.getUser().getId());
            bearer(Map.of()).deleteUser(made.getUser());
        });
        check("a bearer token for another audience is refused", () -> Suite.refused(
            () -> bearer(Map.of("aud", "https://example.com")).createUser(), 401, null, null));
        check("an expired bearer token is refused", () -> Suite.refused(
            () -> bearer(Map.of("exp", 1_700_000_000)).createUser(), 401, null, null));
    }

    private static void limited() {
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
        CommunicationIdentityClient slow = new CommunicationIdentityClientBuilder()
            .connectionString(Suite.setting("limitedConnectionString"))
            .addPolicy((context, next) -> next.process().doOnNext(response -> seen.add(response.getStatusCode()))).buildClient();
        for (int i = 0; i <= Suite.limit(); i++) {
            slow.createUser();
        }
        Suite.equal(Collections.frequency(seen, 201), Suite.limit() + 1);
        Suite.isTrue(seen.contains(429), seen.toString());
    }

    /** A client that trusts what Java itself trusts. */
    private static void untrusted() throws Exception {
        KeyStore usual = KeyStore.getInstance(new File(System.getProperty("java.home"), "lib/security/cacerts"), (char[]) null);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(usual);
        io.netty.handler.ssl.SslContext context = SslContextBuilder.forClient().trustManager(trust).build();
        HttpClient http = new NettyAsyncHttpClientBuilder(
            reactor.netty.http.client.HttpClient.create().secure(spec -> spec.sslContext(context))).build();
        CommunicationIdentityClient client = builder().httpClient(http)
            .retryOptions(new RetryOptions(new FixedDelayOptions(0, Duration.ZERO))).buildClient();
        String id;
        try {
            id = client.createUser().getId();
        } catch (RuntimeException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof javax.net.ssl.SSLException) {
                    return;
                }
            }
            throw e;
        }
        throw new AssertionError("a user was created: " + id);
    }

    private static void asynchronous() {
        CommunicationIdentityAsyncClient many = builder().buildAsyncClient();
        CommunicationUserIdentifierAndToken made = many.createUserAndToken(scope("voip")).block();
        Suite.accepted(made.getUserToken().getToken(), made.getUser().getId());
        many.revokeTokens(made.getUser()).then(many.deleteUser(made.getUser())).block();
        Suite.refusedToken(made.getUserToken().getToken());
    }
}
