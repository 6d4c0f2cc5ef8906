"""azure-communication-chat, both clients."""

import asyncio
import uuid
from datetime import datetime, timedelta, timezone

from azure.communication.chat import (
    ChatClient, ChatMessageType, ChatParticipant, CommunicationTokenCredential, CommunicationUserIdentifier,
)
from azure.communication.chat.aio import ChatClient as AsyncChatClient
from azure.communication.chat.aio import CommunicationTokenCredential as AsyncCredential
from azure.communication.identity import CommunicationIdentityClient
from azure.core.exceptions import HttpResponseError

import suite as s

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Person:
    """A user with a token, and what chats as that user."""

    def __init__(self, identity, scopes=("chat",)):
        self.user, token = identity.create_user_and_token(list(scopes))
        self.id = self.user.properties["id"]
        self.token = token.token
        self.chat = chat_of(self.token)

    def named(self, name, **options):
        return ChatParticipant(identifier=CommunicationUserIdentifier(self.id), display_name=name, **options)


def chat_of(token):
    return ChatClient(s.config["endpoint"].rstrip("/"), CommunicationTokenCredential(token))


def started(*people, topic="Lunch"):
    """Makes a thread of several people; the first one makes it."""
    made = people[0].chat.create_chat_thread(topic, thread_participants=[p.named(f"Person {i}") for i, p in enumerate(people)])
    s.equal(made.errors or [], [])
    return made.chat_thread.id


def threads(people, thread_id):
    return [p.chat.get_chat_thread_client(thread_id) for p in people]


def refused(call, status, code=None):
    """Checks status and code; the header has the code at every version."""
    try:
        call()
    except HttpResponseError as error:
        s.equal(error.status_code, status)
        if code is not None:
            s.equal(error.response.headers["x-ms-error-code"], code)
        return
    raise AssertionError("the call succeeded")


def texts(messages):
    return [m.content.message for m in messages if m.type in (ChatMessageType.TEXT, ChatMessageType.HTML)]


def who(participants):
    return sorted(p.identifier.properties["id"] for p in participants)


def utc(when):
    """The package takes times of the day without a zone as those of UTC."""
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def recent(when):
    assert abs(datetime.now(timezone.utc) - utc(when)) < timedelta(minutes=1), when


def run():
    identity = CommunicationIdentityClient.from_connection_string(s.config["connectionString"])
    alice, bob, carol = (Person(identity) for _ in range(3))

    def check(name, function):
        s.check(f"chat: {name}", function)

    def create():
        made = alice.chat.create_chat_thread("Lunch", thread_participants=[alice.named("Alice"), bob.named("Bob")])
        thread = made.chat_thread
        assert thread.id.startswith("19:") and thread.id.endswith("@thread.v2"), thread.id
        s.equal((thread.topic, thread.created_by.properties["id"]), ("Lunch", alice.id))
        recent(thread.created_on)
        got = bob.chat.get_chat_thread_client(thread.id).get_properties()
        s.equal((got.id, got.topic, got.created_on), (thread.id, thread.topic, thread.created_on))

    check("create_chat_thread and get_properties", create)

    def repeated():
        token = str(uuid.uuid4())
        ids = [alice.chat.create_chat_thread("Once", idempotency_token=t).chat_thread.id for t in (token, token, str(uuid.uuid4()))]
        s.equal(ids[0], ids[1])
        assert ids[0] != ids[2]
        s.equal(len([t for t in alice.chat.list_chat_threads() if t.topic == "Once"]), 2)

    check("create_chat_thread repeated with one token is one thread", repeated)

    def partial():
        nobody = ChatParticipant(identifier=CommunicationUserIdentifier(s.config["foreignUser"]), display_name="Nobody")
        made = alice.chat.create_chat_thread("Some", thread_participants=[bob.named("Bob"), nobody])
        s.equal([(p.identifier.properties["id"], e.code) for p, e in made.errors], [(s.config["foreignUser"], "403")])
        thread = alice.chat.get_chat_thread_client(made.chat_thread.id)
        s.equal(who(thread.list_participants()), sorted([alice.id, bob.id]))
        failed = thread.add_participants([carol.named("Carol"), nobody])
        s.equal([(p.identifier.properties["id"], e.code) for p, e in failed], [(s.config["foreignUser"], "403")])
        s.equal(who(thread.list_participants()), sorted([alice.id, bob.id, carol.id]))

    check("partial success", partial)

    def topic():
        a, b = threads((alice, bob), started(alice, bob))
        a.update_topic("Dinner")
        s.equal(b.get_properties().topic, "Dinner")
        told = [m for m in b.list_messages() if m.type == ChatMessageType.TOPIC_UPDATED]
        s.equal([m.content.topic for m in told], ["Dinner", "Lunch"])
        s.equal(told[0].content.initiator.properties["id"], alice.id)

    check("update_topic", topic)

    def listing():
        lister = Person(identity)
        made = {started(lister, topic=f"Thread {i}") for i in range(5)}
        pages = [list(page) for page in lister.chat.list_chat_threads(results_per_page=2).by_page()]
        assert len(pages) >= 3 and all(len(page) <= 2 for page in pages), pages
        ids = [t.id for page in pages for t in page]
        s.equal((set(ids), len(ids)), (made, 5))
        s.equal(list(lister.chat.list_chat_threads(start_time=datetime.now(timezone.utc) + timedelta(hours=1))), [])

    check("list_chat_threads: only one's own, page by page", listing)

    def delete_thread():
        thread_id = started(alice, bob)
        alice.chat.delete_chat_thread(thread_id)
        for thread in threads((alice, bob), thread_id):
            refused(thread.get_properties, 404, "NotFound")
            refused(lambda thread=thread: thread.send_message("x"), 404, "NotFound")

    check("delete_chat_thread", delete_thread)

    def message():
        a, b = threads((alice, bob), started(alice, bob))
        content = "Grüße 👋 100% %41 \"q\" <b>no markup</b>"
        sent = a.send_message(content, chat_message_type=ChatMessageType.TEXT, sender_display_name="Alice", metadata={"k": "v", "l": "w"})
        got = b.get_message(sent.id)
        s.equal((got.id, got.type, got.content.message, got.sender_display_name), (sent.id, "text", content, "Alice"))
        s.equal((got.metadata, got.sender.properties["id"]), ({"k": "v", "l": "w"}, alice.id))
        recent(got.created_on)
        a.update_message(sent.id, "changed", metadata={"k": "x"})
        edited = b.get_message(sent.id)
        s.equal((edited.content.message, edited.metadata, edited.sequence_id), ("changed", {"k": "x", "l": "w"}, got.sequence_id))
        recent(edited.edited_on)
        assert edited.version != got.version
        refused(lambda: b.update_message(sent.id, "mine"), 403, "Forbidden")
        refused(lambda: b.delete_message(sent.id), 403, "Forbidden")
        a.delete_message(sent.id)
        gone = b.get_message(sent.id)
        recent(gone.deleted_on)
        assert not (gone.content and gone.content.message)

    check("send, get, update and delete a message", message)

    def markup():
        a, b = threads((alice, bob), started(alice, bob))
        got = b.get_message(a.send_message('<p onclick="x()">Hi <b>Bob</b><script>alert(1)</script></p>', chat_message_type="html").id)
        s.equal(got.type, "html")
        assert "<b>Bob</b>" in got.content.message and "script" not in got.content.message and "onclick" not in got.content.message, got.content.message

    check("html is kept, what runs is taken out", markup)

    def history():
        a, b = threads((alice, bob), started(alice, bob))
        sent = [(a, b)[i % 2].send_message(f"m{i}").id for i in range(7)]
        first, second = list(a.list_messages()), list(b.list_messages())
        s.equal([m.id for m in first], [m.id for m in second])
        s.equal(texts(first), [f"m{i}" for i in reversed(range(7))])
        s.equal([int(m.sequence_id) for m in first], list(range(9, 0, -1)))
        s.equal([m.type for m in first[7:]], ["topicUpdated", "participantAdded"])
        s.equal(who(first[8].content.participants), sorted([alice.id, bob.id]))
        pages = [list(page) for page in b.list_messages(results_per_page=4).by_page()]
        assert len(pages) >= 3 and all(len(page) <= 4 for page in pages)
        s.equal([m.id for page in pages for m in page], [m.id for m in first])
        middle = utc(a.get_message(sent[4]).created_on)
        later = list(b.list_messages(start_time=middle))
        assert set(sent[4:]) <= {m.id for m in later}, "a later message is missing"
        assert all(utc(m.created_on) >= middle for m in later), "an earlier message is there"
        s.equal(list(b.list_messages(start_time=datetime.now(timezone.utc) + timedelta(hours=1))), [])

    check("list_messages: order, pages, start time", history)

    def shared():
        thread_id = started(alice, bob)
        a, = threads((alice,), thread_id)
        a.send_message("before")
        dave = Person(identity)
        s.equal(a.add_participants([carol.named("Carol", share_history_time=EPOCH), dave.named("Dave")]), [])
        a.send_message("after")
        s.equal(texts(carol.chat.get_chat_thread_client(thread_id).list_messages()), ["after", "before"])
        s.equal(texts(dave.chat.get_chat_thread_client(thread_id).list_messages()), ["after"])
        pages = [list(page) for page in a.list_participants(results_per_page=3).by_page()]
        s.equal(who(p for page in pages for p in page), sorted([alice.id, bob.id, carol.id, dave.id]))
        assert len(pages) >= 2
        s.equal(len(list(a.list_participants(skip=3))), 1)

    check("add_participants: history from the time that is given", shared)

    def removed():
        thread_id = started(alice, bob, carol)
        a, b, c = threads((alice, bob, carol), thread_id)
        sent = a.send_message("x").id
        a.remove_participant(CommunicationUserIdentifier(carol.id))
        for call in (
            c.get_properties, lambda: c.get_message(sent), lambda: list(c.list_messages()), lambda: list(c.list_participants()),
            lambda: list(c.list_read_receipts()), lambda: c.send_message("y"), lambda: c.update_topic("Z"), lambda: c.send_read_receipt(sent),
            lambda: c.add_participants([carol.named("Carol")]), lambda: c.remove_participant(CommunicationUserIdentifier(bob.id)),
        ):
            refused(call, 403, "Forbidden")
        assert thread_id not in [t.id for t in carol.chat.list_chat_threads()]
        b.remove_participant(CommunicationUserIdentifier(bob.id))
        refused(b.get_properties, 403, "Forbidden")
        s.equal(who(a.list_participants()), [alice.id])
        told = [m for m in a.list_messages() if m.type == ChatMessageType.PARTICIPANT_REMOVED]
        s.equal([who(m.content.participants) for m in told], [[bob.id], [carol.id]])

    check("remove_participant: who is gone learns no more", removed)

    def receipts():
        a, b = threads((alice, bob), started(alice, bob))
        s.equal(list(a.list_read_receipts()), [])
        first, second = a.send_message("1").id, a.send_message("2").id
        b.send_read_receipt(second)
        a.send_read_receipt(first)
        got = {r.sender.properties["id"]: r for r in a.list_read_receipts()}
        s.equal({user: r.chat_message_id for user, r in got.items()}, {alice.id: first, bob.id: second})
        recent(got[bob.id].read_on)
        s.equal(len(list(a.list_read_receipts(skip=1))), 1)
        s.equal(len([page for page in a.list_read_receipts(results_per_page=1).by_page() if list(page)]), 2)

    check("send_read_receipt and list_read_receipts", receipts)

    def typing():
        a, = threads((alice,), started(alice, bob))
        a.send_typing_notification()
        a.send_typing_notification(sender_display_name="Alice")

    check("send_typing_notification", typing)

    def wrong():
        a, = threads((alice,), started(alice, bob))
        unknown = alice.chat.get_chat_thread_client("19:00000000000000000000000000000000@thread.v2")
        refused(unknown.get_properties, 404, "NotFound")
        refused(lambda: alice.chat.delete_chat_thread("invalid_chat_thread_id"), 400, "BadRequest")
        refused(lambda: a.get_message("invalid_chat_message_id"), 400, "BadRequest")
        refused(lambda: a.add_participants([ChatParticipant(identifier=CommunicationUserIdentifier("8:acs:fakeid==="))]), 400, "BadRequest")
        stranger, = threads((Person(identity),), a.thread_id)
        refused(stranger.get_properties, 403, "Forbidden")
        refused(lambda: stranger.send_message("x"), 403, "Forbidden")

    check("unknown and ill-formed ids, and strangers", wrong)

    def tokens():
        thread_id = started(alice, bob)
        limited = chat_of(identity.get_token(alice.user, ["chat.join.limited"]).token)
        refused(lambda: limited.create_chat_thread("T"), 403, "Forbidden")
        refused(lambda: limited.get_chat_thread_client(thread_id).add_participants([carol.named("Carol")]), 403, "Forbidden")
        limited.get_chat_thread_client(thread_id).send_message("joined")
        dave = Person(identity)
        thread, = threads((dave,), started(dave))
        identity.revoke_tokens(dave.user)
        refused(lambda: thread.send_message("gone"), 401)

    check("scopes and revoked tokens", tokens)

    def version(api_version):
        client = ChatClient(s.config["endpoint"].rstrip("/"), CommunicationTokenCredential(alice.token), api_version=api_version)
        made = client.create_chat_thread("Old", thread_participants=[bob.named("Bob")])
        s.equal(made.chat_thread.topic, "Old")
        s.equal([t.id for t in client.list_chat_threads() if t.id == made.chat_thread.id], [made.chat_thread.id])
        client.delete_chat_thread(made.chat_thread.id)

    for api_version in ("2021-03-07", "2021-09-07", "2023-11-07", "2025-03-15"):
        check(f"api-version {api_version}", lambda api_version=api_version: version(api_version))

    check("the asynchronous client", lambda: asyncio.run(asynchronous(alice, bob)))


async def asynchronous(alice, bob):
    """The life of a thread with the other client."""
    endpoint = s.config["endpoint"].rstrip("/")
    async with AsyncChatClient(endpoint, AsyncCredential(alice.token)) as client:
        made = await client.create_chat_thread("Async", thread_participants=[bob.named("Bob")])
        async with client.get_chat_thread_client(made.chat_thread.id) as thread:
            await thread.update_topic("Async too")
            sent = await thread.send_message("hello", sender_display_name="Alice", metadata={"k": "v"})
            await thread.update_message(sent.id, "hello again")
            got = await thread.get_message(sent.id)
            s.equal((got.content.message, got.metadata), ("hello again", {"k": "v"}))
            await thread.send_read_receipt(sent.id)
            await thread.send_typing_notification(sender_display_name="Alice")
            s.equal([r.chat_message_id async for r in thread.list_read_receipts()], [sent.id])
            s.equal(len([m async for m in thread.list_messages(results_per_page=2)]), 4)
            s.equal(len([p async for p in thread.list_participants()]), 2)
            await thread.remove_participant(CommunicationUserIdentifier(bob.id))
            s.equal(await thread.add_participants([bob.named("Bob")]), [])
            s.equal((await thread.get_properties()).topic, "Async too")
            await thread.delete_message(sent.id)
        assert made.chat_thread.id in [t.id async for t in client.list_chat_threads()]
        await client.delete_chat_thread(made.chat_thread.id)
