import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.exception.HttpResponseException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import reactor.core.publisher.Mono;

/** What the checks of all packages share: the runner's configuration, its helper, and a count. */
final class Suite {
    static final String GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    static final String USER = "8:acs:" + GUID + "_" + GUID;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static JsonNode config;
    private static int passed;
    private static int failed;

    private Suite() {
    }

    public static void main(String[] args) throws Exception {
        config = JSON.readTree(new File(System.getenv("PARLEY_SDK")));
        IdentityChecks.run();
        CommonChecks.run();
        ChatChecks.run();
        System.out.printf("suite: %d passed, %d failed%n", passed, failed);
        // The HTTP client's threads would keep the process for a while.
        System.exit(failed == 0 ? 0 : 1);
    }

    /** A check; it passes when it returns. */
    interface Check {
        void run() throws Exception;
    }

    /** Runs one check and prints its line. */
    static void check(String name, Check check) {
        try {
            check.run();
            passed++;
            System.out.println("ok   " + name);
        } catch (Throwable error) { // whatever it is, the check did not pass
            failed++;
            StringBuilder text = new StringBuilder(error.toString().replace("\n", "; "));
            for (StackTraceElement e : error.getStackTrace()) {
                if (e.getFileName() != null && e.getFileName().endsWith("Checks.java")) {
                    text.append("\n       ").append(e);
                }
            }
            System.out.println("FAIL " + name + ": " + text);
        }
    }

    static String setting(String name) {
        return config.at("/" + name).asText();
    }

    static int limit() {
        return config.get("limit").asInt();
    }

    static void equal(Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    static void isTrue(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    /** Asks the runner to do what the packages cannot. */
    static JsonNode helper(String path, Map<String, ?> body) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(setting("helper") + path)).timeout(Duration.ofMinutes(1))
                .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body))).build();
            HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
            equal(response.statusCode() + " " + (response.statusCode() == 200 ? "" : response.body()), "200 ");
            return JSON.readTree(response.body());
        } catch (java.io.IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Checks that an agent can sign in with a token, and whose it is. */
    static void accepted(String token, String user) {
        JsonNode answer = helper("/token", Map.of("token", token));
        isTrue(answer.get("accepted").asBoolean(), "the token is refused: " + answer.get("reason"));
        equal(answer.get("userId").asText(), user);
    }

    /** Checks that no agent can sign in with a token. */
    static void refusedToken(String token) {
        isTrue(!helper("/token", Map.of("token", token)).get("accepted").asBoolean(), "the token is accepted");
    }

    /** Returns a token of the issuer that the service trusts. */
    static String foreign(String kind, Map<String, ?> claims) {
        return helper("/foreign", Map.of("kind", kind, "claims", claims)).get("token").asText();
    }

    /** A TokenCredential of the runner's issuer. */
    static TokenCredential credential(String kind, Map<String, ?> claims) {
        return request -> Mono.fromCallable(() -> new AccessToken(foreign(kind, claims), OffsetDateTime.now().plusHours(1)));
    }

    /** Checks the status of a refusal and, unless null, its code and target. */
    static void refused(Callable<?> call, int status, String code, String target) throws Exception {
        HttpResponseException refusal;
        try {
            call.call();
            throw new AssertionError("the call succeeded");
        } catch (HttpResponseException e) {
            refusal = e;
        }
        equal(refusal.getResponse().getStatusCode(), status);
        if (code == null) {
            return;
        }
        // What the package made of the body: it hides the target from a mapper, so call the getters.
        Object error = refusal.getValue().getClass().getMethod("getError").invoke(refusal.getValue());
        equal(error.getClass().getMethod("getCode").invoke(error), code);
        if (target != null) {
            equal(error.getClass().getMethod("getTarget").invoke(error), target);
        }
    }

    /** How long something is good for, rounded to minutes. */
    static long minutesLeft(OffsetDateTime when) {
        return Math.round(Duration.between(OffsetDateTime.now(), when).toSeconds() / 60.0);
    }

    /** Reads a token without checking it, as apps do. */
    static JsonNode claims(String token) {
        try {
            return JSON.readTree(Base64.getUrlDecoder().decode(token.split("\\.")[1]));
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }

    static String otherKey() {
        byte[] key = new byte[64];
        java.util.Arrays.fill(key, (byte) 7);
        return Base64.getEncoder().encodeToString(key);
    }

    static List<String> list(String joined) {
        return List.of(joined.split(","));
    }
}
