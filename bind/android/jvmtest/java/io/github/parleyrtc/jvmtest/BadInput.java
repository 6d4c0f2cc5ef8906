package io.github.parleyrtc.jvmtest;

import static io.github.parleyrtc.jvmtest.Checks.take;
import static io.github.parleyrtc.jvmtest.Checks.takeUntil;
import static io.github.parleyrtc.jvmtest.Checks.that;

import io.github.parleyrtc.mobile.*;
import java.io.File;
import java.lang.ref.WeakReference;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** What must throw an error with a code, or do nothing, and never end the program. */
public final class BadInput {
    private static final int THREADS = 1000;

    private static final Set<String> NOT_ITS_OWN = new HashSet<>(Arrays.asList("incRefnum", "hashCode", "equals", "toString"));

    private final Scenario.Person bob;

    BadInput(Scenario.Person bob) {
        this.bob = bob;
    }

    /** Looks at what a method threw, null when it threw nothing. */
    public interface Judge {
        void look(String name, Throwable thrown);
    }

    /** Every class that gobind has made and that an application can make objects of. */
    static List<Object> zeroObjects() throws Exception {
        String name = Mobile.class.getPackage().getName();
        File folder = new File(new File(Mobile.class.getProtectionDomain().getCodeSource().getLocation().toURI()), name.replace('.', '/'));
        List<Object> objects = new ArrayList<>();
        for (String file : folder.list()) {
            Class<?> c = Class.forName(name + "." + file.replace(".class", ""));
            if (!Modifier.isPublic(c.getModifiers()) || c.isInterface()) {
                continue;
            }
            for (Constructor<?> constructor : c.getConstructors()) {
                if (constructor.getParameterCount() == 0) {
                    objects.add(constructor.newInstance());
                }
            }
        }
        that(objects.size() > 40, "only " + objects.size() + " classes were found");
        return objects;
    }

    /** What a method is given that is given nothing. */
    private static Object nothing(Class<?> type) {
        if (type == boolean.class) {
            return false;
        }
        if (type == int.class) {
            return 0;
        }
        if (type == long.class) {
            return 0L;
        }
        return null;
    }

    /** Calls all methods of an object with nothing, but those named. */
    public static void everyMethod(Object object, Judge judge, String... but) throws Exception {
        for (Method method : object.getClass().getMethods()) {
            if (method.getDeclaringClass() == Object.class || NOT_ITS_OWN.contains(method.getName()) || Arrays.asList(but).contains(method.getName())) {
                continue;
            }
            String name = object.getClass().getSimpleName() + "." + method.getName();
            Class<?>[] types = method.getParameterTypes();
            Object[] none = new Object[types.length];
            for (int i = 0; i < types.length; i++) {
                none[i] = nothing(types[i]);
            }
            Throwable thrown = null;
            try {
                method.invoke(object, none);
            } catch (InvocationTargetException e) {
                thrown = e.getCause();
            }
            judge.look(name, thrown);
        }
    }

    /** Allows these codes of errors, and no error. */
    static Judge only(int... codes) {
        return (name, thrown) -> {
            if (thrown != null) {
                int code = thrown instanceof Exception ? Mobile.errorCode((Exception) thrown) : -1;
                that(Arrays.stream(codes).anyMatch(c -> c == code), name + " threw " + thrown + ", code " + code);
            }
        };
    }

    /** Any error that has a meaning for an application. */
    static void documented(Throwable thrown) {
        int code = thrown instanceof Exception ? Mobile.errorCode((Exception) thrown) : -1;
        that(code > Mobile.ErrorCodeInternal, thrown + ", code " + code);
    }

    /** Runs the work on a thousand threads that begin at once; between waits until most have begun, and ends what they use. */
    public static void thousandThreads(List<Callable<?>> work, Runnable end, Consumer<Throwable> judge) throws Exception {
        CountDownLatch ready = new CountDownLatch(THREADS), go = new CountDownLatch(1), most = new CountDownLatch(THREADS * 7 / 10);
        Set<String> wrong = ConcurrentHashMap.newKeySet();
        List<Thread> threads = new ArrayList<>();
        for (int n = 0; n < THREADS; n++) {
            int which = n % work.size();
            Thread thread = new Thread(null, () -> {
                ready.countDown();
                try {
                    go.await();
                    most.countDown();
                    work.get(which).call();
                } catch (Throwable e) {
                    try {
                        judge.accept(e);
                    } catch (Throwable w) {
                        wrong.add(which + ": " + w);
                    }
                }
            }, "thread " + n, 256 << 10);
            thread.start();
            threads.add(thread);
        }
        ready.await();
        go.countDown();
        most.await();
        end.run();
        for (Thread thread : threads) {
            thread.join(Checks.LIMIT_SECONDS * 1000);
            that(!thread.isAlive(), thread.getName() + " does not return");
        }
        that(wrong.isEmpty(), "threw " + wrong);
    }

    /** Another phone of alice's, in a call with bob. */
    private final class Spare {
        final Scenario.Person alice = new Scenario.Person("ALICE");
        final Scenario.Ear theirs = new Scenario.Ear();
        final Call call, answered;
        final ChatClient chat;

        Spare(CallOptions options, CallListener listener, ChatListener chatListener) throws Exception {
            Scenario.Ear mine = new Scenario.Ear();
            bob.rings.clear();
            call = alice.agent.startCall(bob.id, options, listener == null ? mine : listener);
            answered = take(bob.rings, "the call").accept(null, theirs);
            takeUntil(theirs.states, Mobile.CallStateConnected, "bob's state");
            if (listener == null) {
                takeUntil(mine.states, Mobile.CallStateConnected, "alice's state");
            }
            chat = alice.client.newChatClient(alice.credential, null, chatListener, null);
            chat.start();
        }

        void end() throws Exception {
            alice.client.close();
            takeUntil(theirs.states, Mobile.CallStateDisconnected, "bob's state");
        }
    }

    /** Objects that nobody made, objects that are given nothing, objects that were closed. */
    void nothing() throws Exception {
        for (Object object : zeroObjects()) {
            everyMethod(object, only(Mobile.ErrorCodeClosed, Mobile.ErrorCodeInvalidArgument));
        }
        Spare spare = new Spare(null, null, null);
        Scenario.Person alice = spare.alice;
        Call second = bob.agent.startCall(alice.id, null, null);
        IncomingCall incoming = take(alice.rings, "the call");
        ChatThread thread = spare.chat.thread(Scenario.env("THREAD"));
        File outbox = new File(Scenario.env("DIR"), "outbox");
        List<Object> objects = Arrays.asList(
            alice.credential, alice.client, alice.client.audio(), alice.agent, alice.agent.calls(), alice.agent.incomingCalls(), incoming, spare.call,
            spare.call.participants(), spare.call.participants().at(0), spare.call.newDataSender(0, true, 0),
            alice.client.newVideoSource(Mobile.VideoCodecVP8, null), spare.chat, spare.chat.threads(), spare.chat.threadStates(), thread,
            thread.messages(), thread.participants(), thread.readReceipts(), spare.chat.openOutbox(outbox.getPath(), null));
        for (Object object : objects) {
            everyMethod(object, (name, thrown) -> {
                if (thrown != null) {
                    documented(thrown);
                }
            }, "close", "shutdown", "hangUp");
        }
        second.hangUp();
        spare.end();
        for (int again = 0; again < 2; again++) {
            for (Object object : objects) {
                everyMethod(object, only(Mobile.ErrorCodeClosed, Mobile.ErrorCodeCallEnded, Mobile.ErrorCodeInvalidArgument));
            }
        }
    }

    /** A thousand threads call everything of a call and a chat while it is closed. */
    void threads() throws Exception {
        Spare spare = new Spare(null, null, null);
        Client client = spare.alice.client;
        Call call = spare.call, answered = spare.answered;
        ChatThread thread = spare.chat.thread(Scenario.env("THREAD"));
        byte[] pcm = new byte[960];
        List<Callable<?>> work = Arrays.asList(
            () -> { call.mute(); return null; }, () -> { call.unmute(); return null; },
            () -> { call.hold(); return null; }, () -> { call.resume(); return null; },
            () -> { answered.muteIncoming(); return null; }, () -> { answered.unmuteIncoming(); return null; },
            () -> { call.sendDTMF("1"); return null; }, () -> { thread.sendTyping(); return null; },
            () -> call.stats() + call.id(), () -> call.participants().at(0),
            () -> client.audio().readPCM(new byte[960]), () -> client.audio().writePCM(pcm),
            () -> { client.audio().routeChanged(); return null; }, () -> spare.alice.agent.calls().at(0),
            () -> spare.chat.threadStates().at(0), spare.chat::position, thread::properties, () -> call.newDataSender(0, true, 0),
            () -> client.newVideoSource(Mobile.VideoCodecVP8, null), () -> { client.enterForeground(); return null; });
        thousandThreads(work, client::close, BadInput::documented);
        takeUntil(spare.theirs.states, Mobile.CallStateDisconnected, "bob's state");
    }

    /** Callbacks take a call, call everything and close what calls them. */
    void callbacks() throws Exception {
        BlockingQueue<Object> done = new LinkedBlockingQueue<>();
        final class Meddler extends Scenario.Ear implements CallAgentListener {
            Client client;

            @Override public void onIncomingCall(IncomingCall incoming) {
                try {
                    incoming.accept(null, this);
                } catch (Throwable e) {
                    done.add(e);
                }
            }

            @Override public void onIncomingCallEnded(IncomingCall call, EndReason reason) {}
            @Override public void onConnectionStateChanged(int state, Failure failure) {}

            @Override public void onCallStateChanged(Call call, int state) {
                if (state != Mobile.CallStateConnected) {
                    return;
                }
                try {
                    Judge judge = (name, thrown) -> {
                        if (thrown != null) {
                            documented(thrown);
                        }
                    };
                    everyMethod(call, judge, "hangUp");
                    client.close();
                    everyMethod(call, judge);
                    everyMethod(client, judge);
                    done.add("all");
                } catch (Throwable e) {
                    done.add(e);
                }
            }
        }
        Meddler meddler = new Meddler();
        meddler.client = Mobile.newClient(Scenario.options());
        Credential credential = Mobile.newCredential(Scenario.env("ALICE_TOKEN"));
        meddler.client.newCallAgent(credential, null, meddler);
        Scenario.Ear theirs = new Scenario.Ear();
        bob.agent.startCall(Scenario.env("ALICE_ID"), null, theirs);
        Object what = take(done, "the callback's end");
        that(what.equals("all"), "a callback ended with " + what);
        takeUntil(theirs.states, Mobile.CallStateDisconnected, "bob's state");
    }

    /** Stays in its first callback until it is let go. */
    private static final class Holder extends Scenario.Ear implements ChatListener {
        final CountDownLatch entered = new CountDownLatch(1), leave = new CountDownLatch(1);
        final BlockingQueue<Object> done;

        Holder(BlockingQueue<Object> done) {
            this.done = done;
        }

        private void hold(Callable<?> after) {
            if (entered.getCount() == 0) {
                return;
            }
            entered.countDown();
            try {
                leave.await();
                done.add(after.call());
            } catch (Throwable e) {
                done.add(e);
            }
        }

        @Override public void onDataReceived(Call call, DataMessage message) {
            hold(() -> {
                everyMethod(call, (name, thrown) -> {
                    if (thrown != null) {
                        documented(thrown);
                    }
                });
                return message.getData().length;
            });
        }

        @Override public void onMessage(ChatMessageEvent event, int change) { hold(() -> event.getMessage().getContent().length()); }
        @Override public void onThread(ChatThreadEvent event, int change) {}
        @Override public void onParticipants(ChatParticipantsEvent event, boolean joined) {}
        @Override public void onTyping(ChatTypingEvent event) {}
        @Override public void onReadReceipt(String threadID, ChatReadReceipt receipt) {}
    }

    /**
     * What a callback belongs to is closed and let go while it runs: it ends in
     * peace, and its listener is free.
     */
    void freed() throws Exception {
        for (int n = 0; n < 4; n++) {
            BlockingQueue<Object> done = new LinkedBlockingQueue<>();
            WeakReference<Holder> listener = letGo(done, n % 2 == 0);
            Object what = take(done, "the callback's end");
            that(what.equals(100), "a callback ended with " + what);
            for (long since = System.nanoTime(); listener.get() != null; ) {
                Probe.goHeap();
                System.gc();
                that(System.nanoTime() - since < Checks.LIMIT_SECONDS * 1_000_000_000L, "the listener is kept");
            }
        }
    }

    /** Closes everything while the listener's callback runs, and keeps nothing. */
    private WeakReference<Holder> letGo(BlockingQueue<Object> done, boolean data) throws Exception {
        Holder holder = new Holder(done);
        CallOptions options = new CallOptions();
        options.setData(holder);
        Spare spare = new Spare(options, holder, holder);
        if (data) {
            spare.answered.newDataSender(0, false, 0).send(new byte[100]);
        } else {
            ChatClient chat = bob.client.newChatClient(bob.credential, null, null, null);
            chat.thread(Scenario.env("THREAD")).sendMessage(new String(new char[100]).replace('\0', 'x'), null);
            chat.close();
        }
        that(holder.entered.await(Checks.LIMIT_SECONDS, TimeUnit.SECONDS), "the callback did not come");
        spare.end();
        spare = null;
        options = null;
        Probe.goHeap();
        System.gc();
        holder.leave.countDown();
        return new WeakReference<>(holder);
    }
}
