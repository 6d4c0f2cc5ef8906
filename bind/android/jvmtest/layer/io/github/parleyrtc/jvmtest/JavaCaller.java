package io.github.parleyrtc.jvmtest;

import static io.github.parleyrtc.jvmtest.Checks.take;
import static io.github.parleyrtc.jvmtest.Checks.that;

import io.github.parleyrtc.Background;
import io.github.parleyrtc.Call;
import io.github.parleyrtc.CallAgent;
import io.github.parleyrtc.CallEvent;
import io.github.parleyrtc.CallOptions;
import io.github.parleyrtc.CallState;
import io.github.parleyrtc.ChatClient;
import io.github.parleyrtc.Credential;
import io.github.parleyrtc.EndReason;
import io.github.parleyrtc.IncomingCall;
import io.github.parleyrtc.Parley;
import io.github.parleyrtc.ParleyException;
import io.github.parleyrtc.SentMessage;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** The Kotlin layer as a program in Java uses it. */
public final class JavaCaller {
    private JavaCaller() {}

    /** What the application's back end would do. */
    private static String token() throws IOException {
        String token = System.getenv("PARLEY_ALICE_TOKEN");
        if (token == null) {
            throw new IOException("no token");
        }
        return token;
    }

    /** Signs in as alice at one more device, calls bob and is called. */
    public static void call(Parley parley, CallAgent bob, ChatClient chat, String thread) throws Exception {
        BlockingQueue<CallState> states = new LinkedBlockingQueue<>();
        Credential credential = Credential.refreshing(k -> token());
        CallAgent agent = Background.await(k -> parley.callAgent(credential, k));
        Call call = Background.await(k -> agent.startCall(bob.getIdentifier(), new CallOptions(), (c, event) -> {
            if (event instanceof CallEvent.StateChanged) {
                states.add(((CallEvent.StateChanged) event).getState());
            }
        }, k));
        IncomingCall incoming = Background.await(k -> bob.awaitIncomingCall(call.getId(), Checks.LIMIT_SECONDS * 1000, k));
        Background.await(k -> incoming.accept(k));
        Background.await(k -> call.awaitConnected(k));
        Background.await(k -> call.hangUp(k));
        EndReason reason = Background.await(k -> call.awaitEnd(k));
        that(reason.getCode() == 0, "ended with " + reason);
        while (!(take(states, "the end") instanceof CallState.Disconnected)) {
            continue;
        }
        // On a thread that may not wait.
        BlockingQueue<Object> told = new LinkedBlockingQueue<>();
        Background.<SentMessage>start(k -> chat.thread(thread).send("from Java", k), (sent, error) -> told.add(error == null ? sent : error));
        Object what = take(told, "the completion");
        that(what instanceof SentMessage, "completed with " + what);
        Background.<Call>start(k -> agent.startCall("nobody", k), (none, error) -> told.add(error == null ? none : error));
        what = take(told, "the completion");
        that(what instanceof ParleyException.InvalidArgument, "completed with " + what);
        try {
            Background.await(k -> agent.startCall("nobody", k));
            throw new AssertionError("nothing was thrown");
        } catch (ParleyException.InvalidArgument e) {
            agent.close();
        }
    }
}
