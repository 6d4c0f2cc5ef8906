"""Alice calls bob from Python, with ctypes and nothing else. test/bind runs this
program; its README.md says what is in the environment. PARLEY_LIBRARY is the
path of libparley.so."""

import ctypes as c
import os
import sys
import threading
import time

lib = c.CDLL(os.environ["PARLEY_LIBRARY"])
Handle, Text, User = c.c_uint64, c.c_char_p, c.c_void_p
CLOSED, INVALID, CONNECTED, DISCONNECTED, VP8 = -4, -3, 4, 9, 1


class Struct(c.Structure):
    """A struct of parley.h: it begins with its size."""

    def __init__(self, **values):
        super().__init__(size=c.sizeof(self), **values)


def struct(name, *fields):
    return type(name, (Struct,), {"_fields_": [("size", c.c_uint32), *fields]})


def ints(*names):
    return [(name, c.c_int32) for name in names]


def texts(*names):
    return [(name, Text) for name in names]


def callbacks(name, **functions):
    head = [("reserved", c.c_int32), ("user_data", User), ("released", c.CFUNCTYPE(None, User))]
    return struct(name, *head, *((key, c.CFUNCTYPE(*types)) for key, types in functions.items()))


Error = struct("Error", *ints("code", "call_code", "call_subcode", "http_status"), ("service_code", c.c_char * 64), ("message", c.c_char * 512))
ClientOptions = struct(
    "ClientOptions", *ints("allow_plain_http"), *texts("endpoint", "root_certificates", "user_agent"),
    *ints("relay_only", "audio_bitrate", "max_video_bitrate", "gc_percent"), ("time_limit", c.c_int64), ("memory_limit", c.c_int64))
CallOptions = struct(
    "CallOptions", *ints("muted", "incoming_muted", "no_audio", "share_address_early", "receive_video"),
    ("stats_interval", c.c_int64), ("camera", Handle), ("canceler", Handle))
Incoming = struct("Incoming", *ints("has_video"), *texts("id", "caller_id", "caller_display_name"))
Frame = struct(
    "Frame", *ints("codec"), ("data", c.POINTER(c.c_ubyte)), ("data_size", c.c_size_t), ("timestamp", c.c_int64),
    *ints("key_frame", "width", "height", "reserved"))
Data = struct(
    "Data", *ints("channel_id"), ("participant_id", Text), ("data", c.POINTER(c.c_ubyte)), ("data_size", c.c_size_t),
    ("sequence", c.c_int64), *ints("lossy", "reserved"))
Message = struct(
    "Message", *ints("type"), *texts("thread_id", "id", "version", "sequence", "content", "sender_id", "sender_display_name", "client_id"),
    ("created_on", c.c_int64), ("edited_on", c.c_int64), ("deleted_on", c.c_int64), ("metadata", User), ("metadata_count", c.c_size_t))
Push = struct(
    "Push", *ints("kind", "video", "reserved"),
    *texts("call_id", "from_id", "display_name", "thread_id", "message_id", "sender_id", "sender_display_name", "text"))
PushVisitor = c.CFUNCTYPE(c.c_int32, User, c.POINTER(Push))
CredentialCallbacks = callbacks("CredentialCallbacks", refresh_token=(c.c_int32, User, User, c.c_size_t))
AgentCallbacks = callbacks(
    "AgentCallbacks", on_incoming_call=(None, User, Handle, c.POINTER(Incoming)), on_incoming_call_ended=(None, User, Handle, User),
    on_connection_state_changed=(None, User, c.c_int32, User))
CallCallbacks = callbacks(
    "CallCallbacks", on_state_changed=(None, User, Handle, c.c_int32), on_media_state_changed=(None, User, Handle, c.c_int32),
    on_participant_changed=(None, User, Handle, User, c.c_int32), on_muted_changed=(None, User, Handle, c.c_int32, c.c_int32),
    on_stats=(None, User, Handle, Text), on_video_frame=(None, User, Handle, c.POINTER(Frame)),
    on_data=(None, User, Handle, c.POINTER(Data)), on_tone=(None, User, Handle, Text, Text))
ChatCallbacks = callbacks(
    "ChatCallbacks", on_message=(None, User, c.POINTER(Message), c.c_int32), on_thread=(None, User, User, c.c_int32),
    on_member=(None, User, User, c.c_int32), on_typing=(None, User, Text, Text, Text), on_read_receipt=(None, User, User),
    on_thread_state=(None, User, User), on_connection_changed=(None, User, c.c_int32, User))


class ParleyError(Exception):
    """What a function of the library refused, with its code."""

    def __init__(self, code):
        error = Error()
        lib.parley_last_error(c.byref(error))
        super().__init__(f"{code}: {error.message.decode()}")
        self.code = code


def arguments(values):
    """Whole numbers are handles: ctypes would cut them to 32 bits."""
    for v in values:
        yield Handle(v) if isinstance(v, int) and not isinstance(v, bool) else c.byref(v) if isinstance(v, Struct) else v


def call(name, *values):
    code = getattr(lib, "parley_" + name)(*arguments(values))
    if code < 0:
        raise ParleyError(code)
    return code


def make(name, *values):
    made = Handle()
    call(name, *values, c.byref(made))
    return made.value


def code_of(name, *values):
    return getattr(lib, "parley_" + name)(*arguments(values))


changed = threading.Condition()
failures = []


def report(ok, name, why=""):
    if not ok:
        failures.append(name)
    print(f"ok {name}" if ok else f"FAIL {name}: {why}", flush=True)


def wait(condition):
    with changed:
        return changed.wait_for(condition, 30)


def env(name):
    return os.environ["PARLEY_" + name]


# ctypes frees callbacks that nobody holds: they are held until `released`, which
# must itself outlive its call, and is one for all.
held = {}


@c.CFUNCTYPE(None, User)
def released(user):
    with changed:
        held.pop(user, None)
        changed.notify_all()


def hold(table):
    with changed:
        key = max(held, default=0) + 1
        held[key] = table
    table.user_data, table.released = key, released
    return table


class Side:
    """One user."""

    def __init__(self, name, token, frames):
        self.name, self.frames_known, self.incoming = name, frames, []
        self.state, self.frames, self.same, self.key_first, self.data, self.messages, self.typed = 0, 0, 0, False, None, [], 0
        self.client = make("client_new", ClientOptions(endpoint=env("ENDPOINT").encode(), root_certificates=open(env("CA"), "rb").read()), None)

        def refresh(user, room, capacity):
            data = token.encode() + b"\0"
            c.memmove(room, data, len(data))
            return 0

        table = hold(CredentialCallbacks())
        table.refresh_token = type(table.refresh_token)(refresh)
        self.credential = make("credential_new", b"", table)
        table = hold(AgentCallbacks())
        table.on_incoming_call = type(table.on_incoming_call)(lambda user, h, info: self.set(lambda: self.incoming.append(h)))
        self.agent = make("agent_new", self.client, self.credential, None, table)
        table = hold(ChatCallbacks())
        table.on_message = type(table.on_message)(self.on_message)
        table.on_typing = type(table.on_typing)(self.on_typing)
        self.chat = make("chat_new", self.client, self.credential, None, table)
        call("chat_start", self.chat)
        self.thread = make("chat_thread", self.chat, env("THREAD").encode())

    def set(self, change):
        with changed:
            change()
            changed.notify_all()

    def on_message(self, user, message, change):
        if change == 1 and message.contents.type == 1:
            content = message.contents.content.decode()
            self.set(lambda: self.messages.append(content))

    def on_typing(self, user, thread, sender, name):
        if sender.decode() == env("BOB_ID"):
            self.set(lambda: setattr(self, "typed", self.typed + 1))

    def on_state(self, user, h, state):
        self.set(lambda: setattr(self, "state", state))

    def on_frame(self, user, h, frame):
        f = frame.contents
        data = c.string_at(f.data, f.data_size)

        def count():
            if self.frames == 0:
                self.key_first = f.key_frame == 1
            self.frames += 1
            self.same += data in self.frames_known

        self.set(count)

    def on_data(self, user, h, message):
        m = message.contents
        data = c.string_at(m.data, m.data_size)
        self.set(lambda: setattr(self, "data", data))

    def listens(self):
        table = hold(CallCallbacks())
        table.on_state_changed = type(table.on_state_changed)(self.on_state)
        table.on_video_frame = type(table.on_video_frame)(self.on_frame)
        table.on_data = type(table.on_data)(self.on_data)
        return table

    def close(self):
        call("client_shutdown", self.client)


def connect(alice, bob, theirs=None, his=None):
    alice.state = bob.state = 0
    alice.call = make("call_start", alice.agent, env("BOB_ID").encode(), theirs, alice.listens())
    wait(lambda: bob.incoming)
    incoming = bob.incoming.pop()
    bob.call = make("incoming_accept", incoming, his, bob.listens())
    call("release", incoming)
    return wait(lambda: alice.state == CONNECTED and bob.state == CONNECTED)


def end(alice, bob):
    call("call_hang_up", alice.call)
    ok = wait(lambda: alice.state == DISCONNECTED and bob.state == DISCONNECTED)
    call("release", alice.call)
    call("release", bob.call)
    return ok


def play(alice, bob, camera, frames):
    speech = open(env("SPEECH"), "rb").read()
    heard, start = bytearray(), time.monotonic()
    room = c.create_string_buffer(960)
    ticks = len(speech) // 960
    for tick in range(ticks + 100):
        said = speech[tick * 960:][:960].ljust(960, b"\0")
        lib.parley_audio_write(Handle(alice.client), said, c.c_size_t(960))
        lib.parley_audio_read(Handle(bob.client), room, c.c_size_t(960))
        heard += room.raw
        if tick % 3 == 0:
            n = tick // 3 % len(frames)
            lib.parley_video_source_send(Handle(camera), frames[n], c.c_size_t(len(frames[n])), c.c_int64(tick // 3 * 33333), int(n == 0))
        time.sleep(max(0, start + (tick + 1) * 0.01 - time.monotonic()))
    open(env("HEARD"), "wb").write(heard)
    report(any(heard), "audio", "silence")


def first_call(alice, bob, frames):
    camera = make("video_source_new", alice.client, c.c_int32(VP8), None)
    connected = connect(alice, bob, CallOptions(camera=camera), CallOptions(receive_video=1))
    play(alice, bob, camera, frames)
    report(bob.frames > 30 and bob.same == bob.frames and bob.key_first, "video", f"{bob.frames} frames, {bob.same} as sent")
    message = bytes(i * 31 % 256 for i in range(700))
    sender = make("data_sender_new", alice.call, c.c_int32(0), c.c_int32(0), c.c_int32(0))
    call("data_sender_send", sender, message, c.c_size_t(len(message)))
    report(wait(lambda: bob.data == message), "data", repr(bob.data))
    report(end(alice, bob) and connected, "call", f"{alice.state}, {bob.state}")
    call("release", camera)


def chat(alice, bob):
    message_id = c.c_char_p()
    call("thread_send", alice.thread, "Grüß dich".encode(), None, c.byref(message_id))
    report(message_id.value and wait(lambda: bob.messages == ["Grüß dich"]), "chat", repr(bob.messages))
    lib.parley_free(message_id)
    call("thread_typing", bob.thread)
    report(wait(lambda: alice.typed > 0), "typing", "it did not come")


def phone(bob):
    """What an application that sleeps and is woken does."""
    pushes = []
    visit = PushVisitor(lambda user, push: pushes.append((push.contents.kind, push.contents.call_id)) or 0)
    call("push_parse", b'{"type":"call","callId":"c","from":"8:acs:a"}', visit, None)
    done = [code_of(name, bob.client) for name in ("client_enter_background", "client_low_memory", "client_enter_foreground", "client_network_changed")]
    none = code_of("push_parse", b"{}", visit, None)
    report(pushes == [(1, b"c")] and done == [0] * 4 and none == INVALID, "phone", f"{pushes}, {done}, {none}")


def errors(alice, bob):
    seen = [code_of("call_hang_up", h) for h in (0, 7, alice.client, 2**64 - 1)]
    try:
        seen.append(make("call_start", alice.agent, b"nobody", None, None))
    except ParleyError as e:
        seen.append(e.code)
    # An exception that a callback throws is ctypes' to report; here it says nothing.
    thrown = []
    sys.unraisablehook = lambda u: thrown.append(u.exc_type)

    def throws(*_):
        raise ValueError("thrown in a callback")

    tokens = hold(CredentialCallbacks())
    tokens.refresh_token = type(tokens.refresh_token)(throws)
    credential = make("credential_new", b"", tokens)
    refused = code_of("agent_new", alice.client, credential, None, None, c.byref(Handle()))
    call("release", credential)
    states = hold(CallCallbacks())
    states.on_state_changed = type(states.on_state_changed)(throws)
    started = make("call_start", alice.agent, env("BOB_ID").encode(), None, states)
    wait(lambda: bob.incoming)
    incoming = bob.incoming.pop()
    call("incoming_reject", incoming, c.c_int32(1))
    call("release", incoming)
    released = wait(lambda: states.user_data not in held)
    call("release", started)
    sys.unraisablehook = sys.__unraisablehook__
    ok = seen == [INVALID] * 5 and refused < 0 and released and set(thrown) == {ValueError}
    report(ok, "errors", f"{seen}, {refused}, {released}, {thrown}")


def settle():
    """Looks until the number of goroutines has not fallen for three seconds."""
    heap, goroutines, handles = c.c_int64(), c.c_int32(), c.c_int32()
    least, quiet = 1 << 30, 0
    for _ in range(600):
        lib.parley_usage(c.byref(heap), c.byref(goroutines), c.byref(handles))
        quiet = 0 if goroutines.value < least else quiet + 1
        least = min(least, goroutines.value)
        if quiet == 30:
            break
        time.sleep(0.1)
    return {"heap-kB": heap.value // 1024, "goroutines": goroutines.value, "handles": handles.value, "callbacks": len(held),
            "fds": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task"))}


def calls_in_a_row(alice, bob, calls):
    done, first = 0, {}
    for i in range(1, calls + 1):
        done += connect(alice, bob) and end(alice, bob)
        if i == (calls + 9) // 10:
            first = settle()
    last = settle()
    report(done == calls, "calls in a row", f"{done} of {calls}")
    print("calls", done)
    for name, value in first.items():
        print("flat", name, value, last[name])


def main():
    frames = [open(os.path.join(env("VIDEO"), name), "rb").read() for name in sorted(os.listdir(env("VIDEO")))]
    lib.parley_release.restype = c.c_int32
    alice, bob = Side("alice", env("ALICE_TOKEN"), set(frames)), Side("bob", env("BOB_TOKEN"), set(frames))
    first_call(alice, bob, frames)
    chat(alice, bob)
    phone(bob)
    errors(alice, bob)
    calls_in_a_row(alice, bob, int(env("CALLS")))
    alice.close()
    bob.close()
    ok = code_of("thread_typing", alice.thread) == CLOSED and code_of("chat_start", bob.chat) == CLOSED
    for h in alice.client, alice.credential, bob.client, bob.credential:
        ok = code_of("release", h) == 0 and code_of("release", h) == CLOSED and ok
    ok = code_of("agent_connection_state", alice.agent) == CLOSED and ok
    report(ok and wait(lambda: not held), "close", f"{len(held)} callbacks were not released")
    sys.stdout.flush()
    sys.exit(1 if failures else 0)


main()
