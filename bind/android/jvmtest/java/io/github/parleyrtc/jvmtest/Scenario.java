package io.github.parleyrtc.jvmtest;

import static io.github.parleyrtc.jvmtest.Checks.take;
import static io.github.parleyrtc.jvmtest.Checks.takeUntil;
import static io.github.parleyrtc.jvmtest.Checks.that;

import io.github.parleyrtc.mobile.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Two phones in one program, over the classes that gobind makes. */
public final class Scenario {
    /** What happens at one end of a call. */
    static class Ear implements CallListener, CallDataListener, VideoListener {
        final BlockingQueue<Integer> states = new LinkedBlockingQueue<>();
        final BlockingQueue<DataMessage> data = new LinkedBlockingQueue<>();
        final BlockingQueue<VideoFrame> frames = new LinkedBlockingQueue<>();

        @Override public void onCallStateChanged(Call call, int state) { states.add(state); }
        @Override public void onMediaStateChanged(Call call, int state) {}
        @Override public void onMutedChanged(Call call, boolean muted, boolean incomingMuted) {}
        @Override public void onParticipantChanged(Call call, RemoteParticipant participant, int change) {}
        @Override public void onDataReceived(Call call, DataMessage message) { data.add(message); }
        @Override public void onToneReceived(Call call, RemoteParticipant participant, String tone) {}
        @Override public void onVideoFrame(Call call, VideoFrame frame) { frames.add(frame); }
    }

    /** A user at a phone. */
    static final class Person implements CallAgentListener, ChatListener {
        final String id;
        final Client client;
        final Credential credential;
        final CallAgent agent;
        final BlockingQueue<IncomingCall> rings = new LinkedBlockingQueue<>();
        final BlockingQueue<ChatMessageEvent> messages = new LinkedBlockingQueue<>();
        final BlockingQueue<ChatTypingEvent> typing = new LinkedBlockingQueue<>();

        Person(String name) throws Exception {
            id = env(name + "_ID");
            client = Mobile.newClient(options());
            credential = Mobile.newCredential(env(name + "_TOKEN"));
            agent = client.newCallAgent(credential, null, this);
        }

        @Override public void onIncomingCall(IncomingCall call) { rings.add(call); }
        @Override public void onIncomingCallEnded(IncomingCall call, EndReason reason) {}
        @Override public void onConnectionStateChanged(int state, Failure failure) {}
        @Override public void onMessage(ChatMessageEvent event, int change) { messages.add(event); }
        @Override public void onThread(ChatThreadEvent event, int change) {}
        @Override public void onParticipants(ChatParticipantsEvent event, boolean joined) {}
        @Override public void onTyping(ChatTypingEvent event) { typing.add(event); }
        @Override public void onReadReceipt(String threadID, ChatReadReceipt receipt) {}
    }

    private Person alice, bob;

    static String env(String name) {
        return System.getenv("PARLEY_" + name);
    }

    static ClientOptions options() throws Exception {
        ClientOptions options = new ClientOptions();
        options.setEndpoint(env("ENDPOINT"));
        options.setRootCertificates(new String(Files.readAllBytes(Paths.get(env("CA"))), StandardCharsets.UTF_8));
        return options;
    }

    public static void main(String[] args) {
        Checks checks = new Checks();
        Scenario s = new Scenario();
        checks.check("sign-in", () -> {
            s.alice = new Person("ALICE");
            s.bob = new Person("BOB");
        });
        checks.check("call", () -> s.call(checks));
        checks.check("chat", s::chat);
        checks.check("typing", s::typing);
        checks.check("errors", s::errors);
        // gobind's code goes on with what such a callback throws, which a machine that
        // checks it complains of; the Kotlin layer lets nothing out of callbacks.
        if (System.getenv("PARLEY_CHECK_JNI") == null) {
            checks.check("throwing", s::throwing);
        }
        BadInput bad = new BadInput(s.bob);
        checks.check("nothing", bad::nothing);
        checks.check("threads", bad::threads);
        checks.check("callbacks", bad::callbacks);
        checks.check("freed", bad::freed);
        checks.check("calls", s::calls);
        checks.check("close", s::close);
        checks.exit();
    }

    /** A call with everything in it; what is in it are checks of their own. */
    private void call(Checks checks) throws Exception {
        Ear mine = new Ear(), theirs = new Ear();
        Phone.Video video = new Phone.Video();
        VideoSource camera = alice.client.newVideoSource(Mobile.VideoCodecVP8, new VideoSourceListener() {
            @Override public void onKeyFrameRequested() { video.keyFrame(); }
            @Override public void onTargetBitrateChanged(int bitsPerSecond) {}
        });
        CallOptions theirOptions = new CallOptions();
        theirOptions.setVideo(theirs);
        theirOptions.setData(theirs);
        Call call = alice.agent.startCall(bob.id, null, mine);
        IncomingCall ringing = take(bob.rings, "the call");
        that(ringing.callerID().equals(alice.id), "called by " + ringing.callerID());
        Call answered = ringing.accept(theirOptions, theirs);
        takeUntil(mine.states, Mobile.CallStateConnected, "alice's state");
        takeUntil(theirs.states, Mobile.CallStateConnected, "bob's state");
        that(call.id().equals(answered.id()), "two ends of one call have two ids");
        checks.check("audio", () -> Phone.talk(alice.client.audio()::writePCM, bob.client.audio()::readPCM));
        checks.check("video", () -> {
            call.startVideo(camera);
            Thread thread = video.start((frame, micros, key) -> camera.sendFrame(frame, micros, key) == Mobile.FrameSent);
            VideoFrame first = take(theirs.frames, "video");
            that(first.getKeyFrame() && Arrays.equals(first.getData(), video.first()), "the first frame is no key frame, or another one");
            for (int n = 1; n < 30; n++) {
                VideoFrame frame = take(theirs.frames, "video");
                that(video.knows(frame.getData()), "a frame came that was not sent");
                that(frame.getCodec() == Mobile.VideoCodecVP8, "codec " + frame.getCodec());
            }
            // As an application whose decoder was made anew.
            video.requests.clear();
            answered.requestKeyFrame();
            take(video.requests, "the request for a key frame");
            VideoFrame next;
            do {
                next = take(theirs.frames, "the key frame");
            } while (!next.getKeyFrame());
            code(Mobile.ErrorCodeNoSuchTrack, call::requestKeyFrame);
            video.stop();
            thread.join();
            call.stopVideo(camera);
            camera.close();
        });
        checks.check("data", () -> {
            byte[] sent = new byte[16000];
            for (int i = 0; i < sent.length; i++) {
                sent[i] = (byte) (i * 7);
            }
            DataSender sender = call.newDataSender(5, false, 0);
            sender.send(sent);
            DataMessage got = take(theirs.data, "data");
            that(Arrays.equals(got.getData(), sent), "other data came");
            that(got.getChannelID() == 5 && got.getSequence() == 1 && !got.getLossy(), "of channel " + got.getChannelID());
            sender.close();
        });
        call.hangUp();
        takeUntil(mine.states, Mobile.CallStateDisconnected, "alice's state");
        takeUntil(theirs.states, Mobile.CallStateDisconnected, "bob's state");
        code(Mobile.ErrorCodeCallEnded, answered::requestKeyFrame);
    }

    private ChatClient aliceChat, bobChat;

    private void chat() throws Exception {
        aliceChat = alice.client.newChatClient(alice.credential, null, alice, null);
        bobChat = bob.client.newChatClient(bob.credential, null, bob, null);
        aliceChat.start();
        bobChat.start();
        // Not one of the code points that need care is lost on the way.
        String text = "hello \ud83d\ude00 \u00e9\u4f60";
        SentMessage sent = aliceChat.thread(env("THREAD")).sendMessage(text, null);
        ChatMessageEvent event;
        do {
            event = take(bob.messages, "the message");
        } while (!event.getMessage().getID().equals(sent.getID()));
        that(event.getMessage().getContent().equals(text), "it says " + event.getMessage().getContent());
        that(event.getMessage().getSenderID().equals(alice.id), "from " + event.getMessage().getSenderID());
    }

    private void typing() throws Exception {
        bobChat.thread(env("THREAD")).sendTyping();
        ChatTypingEvent event = take(alice.typing, "the typing");
        that(event.getSenderID().equals(bob.id), "typed by " + event.getSenderID());
    }

    private interface Attempt {
        void run() throws Exception;
    }

    private static Exception thrown(Attempt attempt) {
        try {
            attempt.run();
        } catch (Exception e) {
            return e;
        }
        throw new AssertionError("nothing was thrown");
    }

    private static void code(int want, Attempt attempt) {
        int got = Mobile.errorCode(thrown(attempt));
        that(got == want, "code " + got + " instead of " + want);
    }

    private void errors() throws Exception {
        code(Mobile.ErrorCodeInvalidArgument, () -> Mobile.newCredential("no token"));
        code(Mobile.ErrorCodeInvalidArgument, () -> alice.client.newCallAgent(null, null, null));
        code(Mobile.ErrorCodeInvalidArgument, () -> alice.agent.startCall("nobody", null, null));
        code(Mobile.ErrorCodeInvalidArgument, () -> alice.client.newVideoSource(77, null));
        Failure failure = Mobile.failureOf(thrown(() -> aliceChat.thread("19:none@thread.v2").properties()));
        that(failure.getHTTPStatus() >= 400 && failure.getCode() > 0, "status " + failure.getHTTPStatus());
        that(Mobile.errorCode(new Exception("of the application's own")) == Mobile.ErrorCodeUnknown, "a foreign exception has a code");
        // Out of a callback that may throw, through Go, and back.
        Credential none = Mobile.newRefreshingCredential("", () -> {
            throw new IllegalStateException("no token today");
        });
        Exception refused = thrown(() -> alice.client.newCallAgent(none, null, null));
        that(String.valueOf(refused.getMessage()).contains("no token today"), "it says " + refused.getMessage());
        none.close();
        // Signals of the Java machine are still its own.
        that(thrown(() -> ((String) null).length()) instanceof NullPointerException, "no NullPointerException");
    }

    /** Out of a callback that may not throw. */
    private void throwing() throws Exception {
        BlockingQueue<Integer> states = new LinkedBlockingQueue<>();
        Call call = alice.agent.startCall(bob.id, null, new CallListener() {
            @Override public void onCallStateChanged(Call c, int state) {
                states.add(state);
                throw new IllegalStateException("thrown on purpose");
            }
            @Override public void onMediaStateChanged(Call c, int state) { throw new StackOverflowError("thrown on purpose"); }
            @Override public void onMutedChanged(Call c, boolean muted, boolean incomingMuted) {}
            @Override public void onParticipantChanged(Call c, RemoteParticipant p, int change) { throw new IllegalStateException("thrown on purpose"); }
        });
        take(bob.rings, "the call").accept(null, null);
        takeUntil(states, Mobile.CallStateConnected, "the state of a call whose listener throws");
        call.hangUp();
        takeUntil(states, Mobile.CallStateDisconnected, "the state of a call whose listener throws");
    }

    private void oneCall() throws Exception {
        Ear mine = new Ear(), theirs = new Ear();
        Call call = alice.agent.startCall(bob.id, null, mine);
        take(bob.rings, "the call").accept(null, theirs);
        takeUntil(mine.states, Mobile.CallStateConnected, "alice's state");
        takeUntil(theirs.states, Mobile.CallStateConnected, "bob's state");
        call.hangUp();
        takeUntil(theirs.states, Mobile.CallStateDisconnected, "bob's state");
    }

    private void calls() throws Exception {
        int count = Integer.parseInt(env("CALLS"));
        int done = 0;
        Probe.Sample first = null;
        for (int n = 1; n <= count; n++) {
            oneCall();
            done++;
            if (n == Math.max(1, count / 10)) {
                first = Probe.measure();
            }
        }
        Probe.report(done, first, Probe.measure());
    }

    private void close() throws Exception {
        Ear mine = new Ear();
        Call call = alice.agent.startCall(bob.id, null, mine);
        take(bob.rings, "the call");
        aliceChat.close();
        aliceChat.close();
        code(Mobile.ErrorCodeClosed, () -> aliceChat.start());
        alice.client.close();
        alice.client.close();
        code(Mobile.ErrorCodeClosed, () -> alice.agent.startCall(bob.id, null, null));
        code(Mobile.ErrorCodeClosed, () -> call.mute());
        code(Mobile.ErrorCodeClosed, () -> alice.client.newCallAgent(alice.credential, null, null));
        bob.client.shutdown();
        bob.client.shutdown();
    }
}
