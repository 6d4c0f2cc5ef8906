import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Alice calls bob from Java over the C library. test/bind runs it; its README.md says what is in the environment. */
public final class Scenario {
  private static final Parley LIB = Parley.LIB;
  private static final Object CHANGED = new Object();
  private static final AtomicLong KEYS = new AtomicLong();
  /** JNA frees callbacks that nobody holds: they are held until `released`, which is one for all. */
  private static final Map<Long, Parley.Callbacks> HELD = new ConcurrentHashMap<>();

  private static final Parley.Released RELEASED = user -> set(() -> HELD.remove(Pointer.nativeValue(user)));
  private static boolean failed;

  private static void set(Runnable change) {
    synchronized (CHANGED) {
      change.run();
      CHANGED.notifyAll();
    }
  }

  private static boolean await(BooleanSupplier condition) throws InterruptedException {
    long limit = System.nanoTime() + 30_000_000_000L;
    synchronized (CHANGED) {
      while (!condition.getAsBoolean()) {
        long left = (limit - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          return false;
        }
        CHANGED.wait(left);
      }
      return true;
    }
  }

  private static <T extends Parley.Callbacks> T hold(T callbacks) {
    long key = KEYS.incrementAndGet();
    callbacks.userData = new Pointer(key);
    callbacks.released = RELEASED;
    HELD.put(key, callbacks);
    return callbacks.sized();
  }

  private static void report(boolean ok, String name, Object why) {
    failed |= !ok;
    System.out.println(ok ? "ok " + name : "FAIL " + name + ": " + why);
  }

  private static String env(String name) {
    return System.getenv("PARLEY_" + name);
  }

  private static int check(int code) {
    if (code < 0) {
      Parley.Failure failure = new Parley.Failure().sized();
      LIB.parley_last_error(failure);
      throw new IllegalStateException(code + ": " + Native.toString(failure.message, "UTF-8"));
    }
    return code;
  }

  private interface Make {
    int make(LongByReference made);
  }

  private static long make(Make make) {
    LongByReference made = new LongByReference();
    check(make.make(made));
    return made.getValue();
  }

  /** One user. */
  private static final class Side {
    final long client;
    final long credential;
    final long agent;
    final long chat;
    final long thread;
    final ArrayDeque<Long> incoming = new ArrayDeque<>();
    final List<String> messages = new ArrayList<>();
    final List<byte[]> known;
    long call;
    int state;
    int frames;
    int same;
    boolean keyFirst;
    byte[] data;
    int typed;

    Side(String token, List<byte[]> known) throws Exception {
      this.known = known;
      Parley.ClientOptions options = new Parley.ClientOptions().sized();
      options.endpoint = env("ENDPOINT");
      options.rootCertificates = Files.readString(Path.of(env("CA")));
      client = make(made -> LIB.parley_client_new(options, null, made));
      Parley.CredentialCallbacks tokens = hold(new Parley.CredentialCallbacks());
      tokens.refreshToken = (user, room, capacity) -> {
        byte[] text = token.getBytes(StandardCharsets.UTF_8);
        room.write(0, text, 0, text.length);
        room.setByte(text.length, (byte) 0);
        return 0;
      };
      credential = make(made -> LIB.parley_credential_new("", tokens, made));
      Parley.AgentCallbacks agents = hold(new Parley.AgentCallbacks());
      agents.onIncomingCall = (user, handle, info) -> set(() -> incoming.add(handle));
      agent = make(made -> LIB.parley_agent_new(client, credential, null, agents, made));
      Parley.ChatCallbacks chats = hold(new Parley.ChatCallbacks());
      chats.onMessage = (user, memory, change) -> {
        Parley.Message message = new Parley.Message(memory);
        if (change == 1 && message.type == 1) {
          set(() -> messages.add(message.content));
        }
      };
      chats.onTyping = (user, where, sender, name) -> set(() -> typed += sender.equals(env("BOB_ID")) ? 1 : 0);
      chat = make(made -> LIB.parley_chat_new(client, credential, null, chats, made));
      check(LIB.parley_chat_start(chat));
      thread = make(made -> LIB.parley_chat_thread(chat, env("THREAD"), made));
    }

    Parley.CallCallbacks listens() {
      Parley.CallCallbacks calls = hold(new Parley.CallCallbacks());
      calls.onStateChanged = (user, handle, to) -> set(() -> state = to);
      calls.onVideoFrame = (user, handle, memory) -> {
        Parley.Frame frame = new Parley.Frame(memory);
        byte[] picture = frame.data.getByteArray(0, (int) frame.dataSize);
        boolean sent = known.stream().anyMatch(f -> Arrays.equals(f, picture));
        set(() -> {
          keyFirst |= frames == 0 && frame.keyFrame == 1;
          frames++;
          same += sent ? 1 : 0;
        });
      };
      calls.onData = (user, handle, memory) -> {
        Parley.Data message = new Parley.Data(memory);
        byte[] got = message.data.getByteArray(0, (int) message.dataSize);
        set(() -> data = got);
      };
      return calls;
    }
  }

  private static boolean connect(Side alice, Side bob, Parley.CallOptions theirs, Parley.CallOptions his)
      throws InterruptedException {
    set(() -> alice.state = bob.state = 0);
    Parley.CallCallbacks listens = alice.listens();
    alice.call = make(made -> LIB.parley_call_start(alice.agent, env("BOB_ID"), theirs, listens, made));
    if (!await(() -> !bob.incoming.isEmpty())) {
      return false;
    }
    long incoming = bob.incoming.pop();
    Parley.CallCallbacks answers = bob.listens();
    bob.call = make(made -> LIB.parley_incoming_accept(incoming, his, answers, made));
    check(LIB.parley_release(incoming));
    return await(() -> alice.state == Parley.CONNECTED && bob.state == Parley.CONNECTED);
  }

  private static boolean end(Side alice, Side bob) throws InterruptedException {
    check(LIB.parley_call_hang_up(alice.call));
    boolean ok = await(() -> alice.state == Parley.DISCONNECTED && bob.state == Parley.DISCONNECTED);
    check(LIB.parley_release(alice.call));
    check(LIB.parley_release(bob.call));
    return ok;
  }

  private static void play(Side alice, Side bob, long camera, List<byte[]> frames) throws Exception {
    byte[] speech = Files.readAllBytes(Path.of(env("SPEECH")));
    int ticks = speech.length / 960 + 100;
    byte[] heard = new byte[ticks * 960];
    byte[] room = new byte[960];
    long start = System.nanoTime();
    for (int tick = 0; tick < ticks; tick++) {
      byte[] said = tick * 960 < speech.length ? Arrays.copyOfRange(speech, tick * 960, tick * 960 + 960) : new byte[960];
      check(LIB.parley_audio_write(alice.client, said, 960));
      check(LIB.parley_audio_read(bob.client, room, 960));
      System.arraycopy(room, 0, heard, tick * 960, 960);
      if (tick % 3 == 0) {
        byte[] frame = frames.get(tick / 3 % frames.size());
        LIB.parley_video_source_send(camera, frame, frame.length, tick / 3 * 33_333L, tick / 3 % frames.size() == 0 ? 1 : 0);
      }
      long next = start + (tick + 1) * 10_000_000L;
      while (System.nanoTime() < next) {
        LockSupport.parkNanos(next - System.nanoTime());
      }
    }
    Files.write(Path.of(env("HEARD")), heard);
    report(!Arrays.equals(heard, new byte[heard.length]), "audio", "silence");
  }

  private static void firstCall(Side alice, Side bob, List<byte[]> frames) throws Exception {
    long camera = make(made -> LIB.parley_video_source_new(alice.client, Parley.VP8, null, made));
    Parley.CallOptions theirs = new Parley.CallOptions().sized();
    theirs.camera = camera;
    Parley.CallOptions his = new Parley.CallOptions().sized();
    his.receiveVideo = 1;
    boolean connected = connect(alice, bob, theirs, his);
    play(alice, bob, camera, frames);
    report(bob.frames > 30 && bob.same == bob.frames && bob.keyFirst, "video", bob.frames + " frames, " + bob.same + " as sent");
    byte[] message = new byte[700];
    for (int i = 0; i < message.length; i++) {
      message[i] = (byte) (i * 31 + 7);
    }
    long sender = make(made -> LIB.parley_data_sender_new(alice.call, 0, 0, 0, made));
    check(LIB.parley_data_sender_send(sender, message, message.length));
    report(await(() -> Arrays.equals(bob.data, message)), "data", Arrays.toString(bob.data));
    report(end(alice, bob) && connected, "call", alice.state + ", " + bob.state);
    check(LIB.parley_release(camera));
  }

  private static void chat(Side alice, Side bob) throws InterruptedException {
    PointerByReference id = new PointerByReference();
    check(LIB.parley_thread_send(alice.thread, "Grüß dich", null, id));
    report(await(() -> bob.messages.equals(List.of("Grüß dich"))), "chat", bob.messages);
    LIB.parley_free(id.getValue());
    check(LIB.parley_thread_typing(bob.thread));
    report(await(() -> alice.typed > 0), "typing", "it did not come");
  }

  private static void errors(Side alice, Side bob) throws InterruptedException {
    LongByReference none = new LongByReference(42);
    Parley.Failure failure = new Parley.Failure().sized();
    boolean ok = LIB.parley_call_hang_up(0) == Parley.INVALID && LIB.parley_call_hang_up(-1) == Parley.INVALID
        && LIB.parley_call_hang_up(alice.client) == Parley.INVALID
        && LIB.parley_call_start(alice.agent, "nobody", null, null, none) == Parley.INVALID && none.getValue() == 0
        && LIB.parley_last_error(failure) == 0 && failure.code == Parley.INVALID;
    // What a callback throws goes to JNA's handler and no further.
    AtomicInteger thrown = new AtomicInteger();
    Native.setCallbackExceptionHandler((callback, e) -> thrown.incrementAndGet());
    Parley.CredentialCallbacks tokens = hold(new Parley.CredentialCallbacks());
    tokens.refreshToken = (user, room, capacity) -> {
      throw new IllegalStateException("thrown in a callback");
    };
    long credential = make(made -> LIB.parley_credential_new("", tokens, made));
    ok &= LIB.parley_agent_new(alice.client, credential, null, null, none) < 0;
    check(LIB.parley_release(credential));
    Parley.CallCallbacks throwing = hold(new Parley.CallCallbacks());
    throwing.onStateChanged = (user, handle, state) -> {
      throw new IllegalStateException("thrown in a callback");
    };
    long call = make(made -> LIB.parley_call_start(alice.agent, env("BOB_ID"), null, throwing, made));
    ok &= await(() -> !bob.incoming.isEmpty());
    long incoming = bob.incoming.pop();
    check(LIB.parley_incoming_reject(incoming, 1));
    check(LIB.parley_release(incoming));
    ok &= await(() -> !HELD.containsValue(throwing)) && thrown.get() > 1;
    check(LIB.parley_release(call));
    report(ok, "errors", failure.code + ", thrown " + thrown);
  }

  /** Looks until the number of goroutines has not fallen for three seconds. */
  private static Map<String, Long> settle() throws InterruptedException {
    LongByReference heap = new LongByReference();
    IntByReference goroutines = new IntByReference();
    IntByReference handles = new IntByReference();
    int least = Integer.MAX_VALUE;
    for (int i = 0, quiet = 0; i < 600 && quiet < 30; i++, quiet++) {
      System.gc();
      LIB.parley_usage(heap, goroutines, handles);
      if (goroutines.getValue() < least) {
        least = goroutines.getValue();
        quiet = 0;
      }
      Thread.sleep(100);
    }
    Map<String, Long> all = new LinkedHashMap<>();
    all.put("heap-kB", heap.getValue() / 1024);
    all.put("java-heap-kB", (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) / 1024);
    all.put("goroutines", (long) goroutines.getValue());
    all.put("handles", (long) handles.getValue());
    all.put("callbacks", (long) HELD.size());
    all.put("fds", (long) new File("/proc/self/fd").list().length);
    all.put("threads", (long) new File("/proc/self/task").list().length);
    return all;
  }

  private static void callsInARow(Side alice, Side bob, int calls) throws InterruptedException {
    int done = 0;
    Map<String, Long> first = Map.of();
    for (int i = 1; i <= calls; i++) {
      done += connect(alice, bob, null, null) && end(alice, bob) ? 1 : 0;
      if (i == (calls + 9) / 10) {
        first = settle();
      }
    }
    Map<String, Long> last = settle();
    report(done == calls, "calls in a row", done + " of " + calls);
    System.out.println("calls " + done);
    first.forEach((name, value) -> System.out.println("flat " + name + " " + value + " " + last.get(name)));
  }

  private static void close(Side alice, Side bob) throws InterruptedException {
    check(LIB.parley_client_shutdown(alice.client));
    check(LIB.parley_client_shutdown(bob.client));
    boolean ok = LIB.parley_thread_typing(alice.thread) == Parley.CLOSED && LIB.parley_chat_start(bob.chat) == Parley.CLOSED;
    for (long handle : new long[] {alice.client, alice.credential, bob.client, bob.credential}) {
      ok &= LIB.parley_release(handle) == 0 && LIB.parley_release(handle) == Parley.CLOSED;
    }
    ok &= LIB.parley_agent_connection_state(alice.agent) == Parley.CLOSED;
    report(ok && await(HELD::isEmpty), "close", HELD.size() + " callbacks were not released");
  }

  public static void main(String[] args) throws Exception {
    List<byte[]> frames = new ArrayList<>();
    File[] files = new File(env("VIDEO")).listFiles();
    Arrays.sort(files);
    for (File file : files) {
      frames.add(Files.readAllBytes(file.toPath()));
    }
    Side alice = new Side(env("ALICE_TOKEN"), frames);
    Side bob = new Side(env("BOB_TOKEN"), frames);
    firstCall(alice, bob, frames);
    chat(alice, bob);
    errors(alice, bob);
    callsInARow(alice, bob, Integer.parseInt(env("CALLS")));
    close(alice, bob);
    // Threads of the library that called back may still be attached to the JVM.
    System.exit(failed ? 1 : 0);
  }
}
