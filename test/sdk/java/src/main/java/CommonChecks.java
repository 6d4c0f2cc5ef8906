import com.azure.communication.common.CommunicationIdentifier;
import com.azure.communication.common.CommunicationTokenCredential;
import com.azure.communication.common.CommunicationTokenRefreshOptions;
import com.azure.communication.common.CommunicationUserIdentifier;
import com.azure.communication.identity.CommunicationIdentityClient;
import com.azure.communication.identity.models.CommunicationUserIdentifierAndToken;
import com.azure.core.credential.AccessToken;
import java.util.List;

/** com.azure:azure-communication-common: token credentials and identifiers. */
final class CommonChecks {
    private CommonChecks() {
    }

    private static void check(String name, Suite.Check check) {
        Suite.check("common: " + name, check);
    }

    static void run() {
        CommunicationIdentityClient client = IdentityChecks.builder().buildClient();
        check("a user's id is that of a communication user", () -> {
            CommunicationUserIdentifier user = client.createUser();
            CommunicationIdentifier parsed = CommunicationIdentifier.fromRawId(user.getId());
            Suite.isTrue(parsed instanceof CommunicationUserIdentifier, parsed.getClass().getName());
            Suite.equal(parsed, user);
        });
        check("credential of a token", () -> {
            CommunicationUserIdentifierAndToken made = client.createUserAndToken(IdentityChecks.scope("voip"));
            try (CommunicationTokenCredential credential = new CommunicationTokenCredential(made.getUserToken().getToken())) {
                AccessToken held = credential.getToken().block();
                Suite.equal(held.getExpiresAt().toEpochSecond(), made.getUserToken().getExpiresAt().toEpochSecond());
                Suite.accepted(held.getToken(), made.getUser().getId());
            }
        });
        check("credential that fetches tokens", () -> {
            CommunicationUserIdentifier user = client.createUser();
            CommunicationTokenRefreshOptions options = new CommunicationTokenRefreshOptions(
                () -> client.getToken(user, IdentityChecks.scopes(List.of("chat", "voip"))).getToken()).setRefreshProactively(true);
            try (CommunicationTokenCredential credential = new CommunicationTokenCredential(options)) {
                Suite.accepted(credential.getToken().block().getToken(), user.getId());
            }
        });
    }
}
