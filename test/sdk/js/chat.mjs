// @azure/communication-chat, its REST part: in Node the package has no real time.
import assert from "node:assert/strict";
import { ChatClient } from "@azure/communication-chat";
import { AzureCommunicationTokenCredential } from "@azure/communication-common";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import { all, chatOf, identity, notMember, pages, person, recent, refused, started, texts, threadPattern, written } from "./chat_life.mjs";
import * as s from "./suite.mjs";

export default async function chat() {
  const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
  const check = (name, run) => s.check(`chat: ${name}`, run);
  await threads(check, alice, bob);
  await messages(check, alice, bob);
  await history(check, alice, bob);
  await membership(check, alice, bob, carol);
  await signals(check, alice, bob);
  await refusals(check, alice, bob);
}

async function threads(check, alice, bob) {
  await check("createChatThread", async () => {
    const { chatThread, invalidParticipants } = await alice.chat.createChatThread({ topic: "Lunch & <dinner>" }, {
      participants: [{ id: bob.user, displayName: "Bob" }], metadata: { place: "canteen" },
      retentionPolicy: { kind: "threadCreationDate", deleteThreadAfterDays: 45 },
    });
    assert.match(chatThread.id, threadPattern);
    assert.equal(chatThread.topic, "Lunch & <dinner>");
    assert.equal(chatThread.createdBy.communicationUserId, alice.id);
    assert.deepEqual(chatThread.metadata, { place: "canteen" });
    assert.deepEqual(chatThread.retentionPolicy, { kind: "threadCreationDate", deleteThreadAfterDays: 45 });
    recent(chatThread.createdOn);
    assert.deepEqual(invalidParticipants ?? [], []);
    const got = await bob.chat.getChatThreadClient(chatThread.id).getProperties();
    assert.deepEqual(got, chatThread);
  });
  await check("createChatThread repeated with one token is one thread", async () => {
    const idempotencyToken = crypto.randomUUID();
    const create = (token) => alice.chat.createChatThread({ topic: "Once" }, { idempotencyToken: token });
    const [first, second] = await Promise.all([create(idempotencyToken), create(idempotencyToken)]);
    const third = await create(idempotencyToken);
    const other = await create(crypto.randomUUID());
    assert.equal(first.chatThread.id, second.chatThread.id);
    assert.equal(first.chatThread.id, third.chatThread.id);
    assert.notEqual(first.chatThread.id, other.chatThread.id);
    assert.equal((await all(alice.chat.listChatThreads())).filter((t) => t.topic === "Once").length, 2);
  });
  await check("createChatThread of which some users are nobody", async () => {
    const gone = await identity.createUser();
    await identity.deleteUser(gone);
    const { chatThread, invalidParticipants } = await alice.chat.createChatThread({ topic: "Some" }, {
      participants: [{ id: bob.user }, { id: gone }, { id: { communicationUserId: s.config.foreignUser } }],
    });
    assert.deepEqual(invalidParticipants.map((p) => [p.target, p.code]).sort(),
      [[gone.communicationUserId, "403"], [s.config.foreignUser, "403"]].sort());
    const members = await all(alice.chat.getChatThreadClient(chatThread.id).listParticipants());
    assert.deepEqual(members.map((p) => p.id.communicationUserId).sort(), [alice.id, bob.id].sort());
  });
  await check("updateTopic and updateProperties", async () => {
    const id = await started([alice, bob]);
    const thread = alice.chat.getChatThreadClient(id);
    await thread.updateTopic("Dinner");
    await thread.updateProperties({ metadata: { a: "1", b: "2" }, retentionPolicy: { kind: "threadCreationDate", deleteThreadAfterDays: 30 } });
    await thread.updateProperties({ metadata: { a: "3" } });
    const got = await bob.chat.getChatThreadClient(id).getProperties();
    assert.equal(got.topic, "Dinner");
    assert.deepEqual(got.metadata, { a: "3", b: "2" });
    assert.equal(got.retentionPolicy.deleteThreadAfterDays, 30);
    await thread.updateProperties({ retentionPolicy: { kind: "none" } });
    assert.equal((await thread.getProperties()).retentionPolicy.kind, "none");
    const topics = (await all(thread.listMessages())).filter((m) => m.type === "topicUpdated");
    assert.deepEqual(topics.map((m) => m.content.topic), ["Dinner", "Lunch"]);
    assert.equal(topics[0].content.initiator.communicationUserId, alice.id);
  });
  await check("listChatThreads: only one's own, page by page", async () => {
    const lister = await person();
    const made = new Set();
    for (let i = 0; i < 5; i++) made.add(await started([lister], `Thread ${i}`));
    await started([alice, bob]);
    const listed = await pages(lister.chat.listChatThreads({ maxPageSize: 2 }), { maxPageSize: 2 });
    assert.ok(listed.length >= 3 && listed.every((page) => page.length <= 2), JSON.stringify(listed.map((p) => p.length)));
    const ids = listed.flat().map((t) => t.id);
    assert.deepEqual(new Set(ids), made);
    assert.equal(ids.length, 5);
    assert.deepEqual(await all(lister.chat.listChatThreads({ startTime: new Date(Date.now() + 3600_000) })), []);
  });
  await check("deleteChatThread", async () => {
    const id = await started([alice, bob]);
    await bob.chat.getChatThreadClient(id).sendMessage({ content: "x" });
    await alice.chat.deleteChatThread(id);
    for (const one of [alice, bob]) {
      const thread = one.chat.getChatThreadClient(id);
      await refused(thread.getProperties(), 404, "NotFound");
      await refused(thread.sendMessage({ content: "y" }), 404, "NotFound");
      await refused(all(thread.listMessages()), 404, "NotFound");
      const listed = (await all(one.chat.listChatThreads())).find((t) => t.id === id);
      assert.ok(listed === undefined || listed.deletedOn instanceof Date);
    }
  });
}

async function messages(check, alice, bob) {
  const id = await started([alice, bob]);
  const [a, b] = [alice, bob].map((p) => p.chat.getChatThreadClient(id));

  await check("sendMessage and getMessage", async () => {
    const content = "Grüße 👋 100% %41 \"q\" <b>no markup</b>\nsecond line";
    const sent = await a.sendMessage({ content }, { senderDisplayName: "Alice", type: "text", metadata: { k: "v", "näme": "wärt" } });
    const got = await b.getMessage(sent.id);
    assert.match(sent.id, /^\d{13}$/);
    assert.deepEqual([got.id, got.type, got.content.message, got.senderDisplayName], [sent.id, "text", content, "Alice"]);
    assert.deepEqual(got.metadata, { k: "v", "näme": "wärt" });
    assert.equal(got.sender.communicationUserId, alice.id);
    assert.match(got.sequenceId, /^\d+$/);
    assert.ok(got.version);
    recent(got.createdOn);
    assert.equal(got.editedOn, undefined);
    assert.equal(got.deletedOn, undefined);
  });
  await check("sendMessage without a type is text", async () => {
    assert.equal((await b.getMessage((await a.sendMessage({ content: "plain" })).id)).type, "text");
  });
  await check("html is kept, what runs is taken out", async () => {
    const sent = await a.sendMessage({ content: '<p onclick="x()">Hi <b>Bob</b><script>alert(1)</script></p><a href="javascript:x()">l</a>' }, { type: "html" });
    const got = await b.getMessage(sent.id);
    assert.equal(got.type, "html");
    assert.match(got.content.message, /<b>Bob<\/b>/);
    assert.doesNotMatch(got.content.message, /script|onclick|alert/);
  });
  await check("updateMessage", async () => {
    const { id: message } = await a.sendMessage({ content: "one" }, { metadata: { k: "v", l: "w" } });
    const before = await a.getMessage(message);
    await a.updateMessage(message, { content: "two", metadata: { k: "x" } });
    const got = await b.getMessage(message);
    assert.equal(got.content.message, "two");
    assert.deepEqual(got.metadata, { k: "x", l: "w" });
    recent(got.editedOn);
    assert.notEqual(got.version, before.version);
    assert.deepEqual([got.id, got.sequenceId, +got.createdOn], [before.id, before.sequenceId, +before.createdOn]);
    await refused(b.updateMessage(message, { content: "three" }), 403, "Forbidden");
    assert.equal((await b.getMessage(message)).content.message, "two");
  });
  await check("deleteMessage", async () => {
    const { id: message } = await a.sendMessage({ content: "secret" });
    await refused(b.deleteMessage(message), 403, "Forbidden");
    await a.deleteMessage(message);
    const got = await b.getMessage(message);
    recent(got.deletedOn);
    assert.ok(!got.content?.message);
    const listed = (await all(b.listMessages())).find((m) => m.id === message);
    assert.ok(listed.deletedOn instanceof Date && !listed.content?.message);
  });
}

async function history(check, alice, bob) {
  const id = await started([alice, bob]);
  const [a, b] = [alice, bob].map((p) => p.chat.getChatThreadClient(id));
  const sent = [];
  for (let i = 0; i < 7; i++) sent.push((await (i % 2 ? b : a).sendMessage({ content: `m${i}` })).id);

  await check("listMessages: the newest first, one order for all", async () => {
    const [first, second] = await Promise.all([all(a.listMessages()), all(b.listMessages())]);
    assert.deepEqual(first, second);
    assert.deepEqual(texts(first), ["m6", "m5", "m4", "m3", "m2", "m1", "m0"]);
    assert.deepEqual(written(first).map((m) => m.id), sent.toReversed());
    assert.deepEqual(first.slice(7).map((m) => m.type), ["topicUpdated", "participantAdded"]);
    const added = first[8].content.participants.map((p) => p.id.communicationUserId);
    assert.deepEqual(added.sort(), [alice.id, bob.id].sort());
    assert.deepEqual(first.map((m) => Number(m.sequenceId)), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });
  await check("listMessages page by page", async () => {
    const listed = await pages(b.listMessages({ maxPageSize: 4 }), { maxPageSize: 4 });
    assert.ok(listed.length >= 3 && listed.every((page) => page.length <= 4));
    assert.deepEqual(listed.flat(), await all(b.listMessages()));
  });
  await check("listMessages page by page while others write", async () => {
    const seen = [];
    let late = 0;
    for await (const page of b.listMessages({ maxPageSize: 2 }).byPage({ maxPageSize: 2 })) {
      seen.push(...page.map((m) => m.id));
      await a.sendMessage({ content: `late ${late++}` });
    }
    assert.equal(new Set(seen).size, seen.length, "a message came twice");
    assert.deepEqual(sent.filter((m) => !seen.includes(m)), [], "messages are missing");
  });
  await check("listMessages from a time on", async () => {
    const middle = (await a.getMessage(sent[4])).createdOn;
    const from = await all(b.listMessages({ startTime: middle }));
    assert.ok(sent.slice(5).every((m) => from.some((got) => got.id === m)), "a later message is missing");
    assert.ok(from.every((m) => m.createdOn >= middle));
    assert.deepEqual(await all(b.listMessages({ startTime: new Date(Date.now() + 3600_000) })), []);
  });
}

async function membership(check, alice, bob, carol) {
  await check("addParticipants: history from the time that is given", async () => {
    const id = await started([alice, bob]);
    const a = alice.chat.getChatThreadClient(id);
    await a.sendMessage({ content: "before" });
    const dave = await person();
    await a.addParticipants({ participants: [
      { id: carol.user, displayName: "Carol", shareHistoryTime: new Date(0), metadata: { role: "guest" } }, { id: dave.user, displayName: "Dave" },
    ] });
    await a.sendMessage({ content: "after" });
    assert.deepEqual(texts(await all(carol.chat.getChatThreadClient(id).listMessages())), ["after", "before"]);
    assert.deepEqual(texts(await all(dave.chat.getChatThreadClient(id).listMessages())), ["after"]);
    const members = await all(a.listParticipants());
    const got = members.find((p) => p.id.communicationUserId === carol.id);
    assert.deepEqual([members.length, got.displayName, +got.shareHistoryTime], [4, "Carol", 0]);
    assert.deepEqual(got.metadata, { role: "guest" });
    const told = (await all(a.listMessages())).find((m) => m.type === "participantAdded");
    assert.deepEqual(told.content.participants.map((p) => p.displayName).sort(), ["Carol", "Dave"]);
    assert.equal(told.content.initiator.communicationUserId, alice.id);
  });
  await check("addParticipants of whom some are nobody", async () => {
    const id = await started([alice]);
    const a = alice.chat.getChatThreadClient(id);
    const result = await a.addParticipants({ participants: [{ id: bob.user }, { id: { communicationUserId: s.config.foreignUser } }] });
    assert.deepEqual(result.invalidParticipants.map((p) => [p.target, p.code]), [[s.config.foreignUser, "403"]]);
    assert.ok(result.invalidParticipants[0].message);
    assert.equal((await all(a.listParticipants())).length, 2);
  });
  await check("addParticipants with what is no identifier", async () => {
    const a = alice.chat.getChatThreadClient(await started([alice]));
    await refused(a.addParticipants({ participants: [{ id: { communicationUserId: "8:acs:fakeid===" } }] }), 400, "BadRequest");
  });
  await check("listParticipants page by page", async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => identity.createUser()));
    const { chatThread } = await alice.chat.createChatThread({ topic: "Many" }, { participants: people.map((user) => ({ id: user })) });
    const a = alice.chat.getChatThreadClient(chatThread.id);
    const listed = await pages(a.listParticipants({ maxPageSize: 2 }), { maxPageSize: 2 });
    assert.ok(listed.length >= 3 && listed.every((page) => page.length <= 2));
    assert.equal(new Set(listed.flat().map((p) => p.id.communicationUserId)).size, 6);
    assert.equal((await all(a.listParticipants({ skip: 4 }))).length, 2);
  });
  await check("removeParticipant: who is gone learns no more", async () => {
    const id = await started([alice, bob, carol]);
    const [a, c] = [alice, carol].map((p) => p.chat.getChatThreadClient(id));
    const { id: message } = await a.sendMessage({ content: "x" });
    await a.removeParticipant(carol.user);
    for (const call of [
      () => c.getProperties(), () => c.getMessage(message), () => all(c.listMessages()), () => all(c.listParticipants()), () => all(c.listReadReceipts()),
      () => c.sendMessage({ content: "y" }), () => c.updateTopic("Z"), () => c.sendReadReceipt({ chatMessageId: message }),
      () => c.addParticipants({ participants: [{ id: carol.user }] }), () => c.removeParticipant(bob.user), () => carol.chat.deleteChatThread(id),
    ]) await notMember(call());
    assert.ok(!(await all(carol.chat.listChatThreads())).some((t) => t.id === id));
    const told = (await all(a.listMessages()))[0];
    assert.equal(told.type, "participantRemoved");
    assert.deepEqual(told.content.participants.map((p) => p.id.communicationUserId), [carol.id]);
  });
  await check("removeParticipant: one leaves, and is no member then", async () => {
    const id = await started([alice, bob]);
    const b = bob.chat.getChatThreadClient(id);
    await b.removeParticipant(bob.user);
    await notMember(b.removeParticipant(bob.user));
    await refused(alice.chat.getChatThreadClient(id).removeParticipant({ communicationUserId: "8:acs:fakeid" }), 400, "BadRequest");
  });
}

async function signals(check, alice, bob) {
  await check("sendReadReceipt and listReadReceipts", async () => {
    const id = await started([alice, bob]);
    const [a, b] = [alice, bob].map((p) => p.chat.getChatThreadClient(id));
    assert.deepEqual(await all(a.listReadReceipts()), []);
    const first = (await a.sendMessage({ content: "1" })).id;
    const second = (await a.sendMessage({ content: "2" })).id;
    await b.sendReadReceipt({ chatMessageId: second });
    await b.sendReadReceipt({ chatMessageId: first }); // going back changes nothing
    await a.sendReadReceipt({ chatMessageId: first });
    const receipts = await all(a.listReadReceipts());
    const of = (id) => receipts.filter((r) => r.sender.communicationUserId === id).map((r) => r.chatMessageId);
    assert.deepEqual([of(bob.id), of(alice.id)], [[second], [first]]);
    receipts.forEach((r) => recent(r.readOn));
    assert.equal((await pages(a.listReadReceipts({ maxPageSize: 1 }), { maxPageSize: 1 })).filter((p) => p.length === 1).length, 2);
  });
  await check("sendTypingNotification", async () => {
    const a = alice.chat.getChatThreadClient(await started([alice, bob]));
    assert.equal(await a.sendTypingNotification({ senderDisplayName: "Alice" }), true);
    assert.equal(await a.sendTypingNotification(), false, "the package itself waits some seconds");
  });
  await check("no receipts and no typing above 20 participants", async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => identity.createUser()));
    const { chatThread } = await alice.chat.createChatThread({ topic: "Crowd" }, { participants: people.map((user) => ({ id: user })) });
    const a = alice.chat.getChatThreadClient(chatThread.id);
    const { id } = await a.sendMessage({ content: "all" });
    await refused(a.sendReadReceipt({ chatMessageId: id }), 403, "Forbidden");
    await refused(a.sendTypingNotification(), 403, "Forbidden");
  });
  await check("real time does not run in Node", async () => {
    await assert.rejects(alice.chat.startRealtimeNotifications());
  });
}

async function refusals(check, alice, bob) {
  const id = await started([alice, bob]);
  const a = alice.chat.getChatThreadClient(id);
  await check("unknown and ill-formed threads and messages", async () => {
    await refused(alice.chat.getChatThreadClient("19:00000000000000000000000000000000@thread.v2").getProperties(), 404, "NotFound");
    await refused(alice.chat.deleteChatThread("invalid_chat_thread_id"), 400, "BadRequest");
    await refused(a.getMessage("invalid_chat_message_id"), 400, "BadRequest");
    await refused(a.updateMessage("invalid_chat_message_id", { content: "x" }), 400, "BadRequest");
    await refused(a.deleteMessage("invalid_chat_message_id"), 400, "BadRequest");
    await refused(a.getMessage("1"), 404, "NotFound");
  });
  await check("what is too long, too many or empty is refused and leaves nothing", async () => {
    const clientError = async (promise) => {
      const error = await promise.then(() => null, (e) => e);
      assert.ok(error?.statusCode === 400 || error?.statusCode === 413, `${error?.statusCode} ${error}`);
    };
    const before = (await all(a.listMessages())).length;
    await clientError(a.sendMessage({ content: "x".repeat(28 * 1024 + 1) }));
    await clientError(a.sendMessage({ content: "x" }, { type: "topicUpdated" }));
    await clientError(a.sendMessage({ content: "x" }, { metadata: { k: "v".repeat(1024) } }));
    await clientError(a.addParticipants({ participants: Array.from({ length: 201 }, () => ({ id: bob.user })) }));
    await clientError(a.addParticipants({ participants: [] }));
    await clientError(a.updateTopic(""));
    for (const days of [29, 91]) {
      await clientError(alice.chat.createChatThread({ topic: "T" }, { retentionPolicy: { kind: "threadCreationDate", deleteThreadAfterDays: days } }));
    }
    assert.equal((await all(a.listMessages())).length, before);
    await a.sendMessage({ content: "x".repeat(28 * 1024) });
  });
  await check("what the scopes of a token allow", async () => {
    const scoped = async (scope) => {
      const { token } = await identity.getToken(alice.user, [scope]);
      return chatOf(token);
    };
    const [join, limited, voip] = await Promise.all(["chat.join", "chat.join.limited", "voip"].map(scoped));
    for (const client of [join, limited]) {
      await refused(client.createChatThread({ topic: "T" }), 403, "Forbidden");
      await refused(client.deleteChatThread(id), 403, "Forbidden");
      await refused(client.getChatThreadClient(id).updateTopic("T"), 403, "Forbidden");
      await client.getChatThreadClient(id).sendMessage({ content: "joined" });
    }
    const { user } = await person();
    await join.getChatThreadClient(id).addParticipants({ participants: [{ id: user }] });
    await refused(limited.getChatThreadClient(id).removeParticipant(user), 403, "Forbidden");
    await join.getChatThreadClient(id).removeParticipant(user);
    const error = await voip.getChatThreadClient(id).getProperties().then(() => null, (e) => e);
    assert.ok([401, 403].includes(error?.statusCode), `${error}`);
  });
  await check("revoked tokens and deleted users are refused", async () => {
    const dave = await person();
    const thread = dave.chat.getChatThreadClient(await started([dave, alice]));
    await thread.sendMessage({ content: "still here" });
    await identity.revokeTokens(dave.user);
    await refused(thread.sendMessage({ content: "gone" }), 401);
    const again = chatOf((await identity.getToken(dave.user, ["chat"])).token).getChatThreadClient(thread.threadId);
    await again.sendMessage({ content: "back" });
    await identity.deleteUser(dave.user);
    await refused(again.sendMessage({ content: "gone" }), 401);
    const members = await all(alice.chat.getChatThreadClient(thread.threadId).listParticipants());
    assert.deepEqual(members.map((p) => p.id.communicationUserId), [alice.id]);
  });
  await check("429 is waited out and repeated", async () => {
    const { token } = await new CommunicationIdentityClient(s.config.limitedConnectionString).createUserAndToken(["chat"]);
    const seen = [];
    const watch = async (request, next) => {
      const response = await next(request);
      seen.push({ status: response.status, after: response.headers.get("retry-after") });
      return response;
    };
    const endpoint = /endpoint=([^;]+)/.exec(s.config.limitedConnectionString)[1];
    const client = new ChatClient(endpoint, new AzureCommunicationTokenCredential(token), {
      additionalPolicies: [{ position: "perRetry", policy: { name: "watch", sendRequest: watch } }],
    });
    const { chatThread } = await client.createChatThread({ topic: "Fast" });
    const thread = client.getChatThreadClient(chatThread.id);
    const sent = Array.from({ length: s.config.limit + 1 }, (_, i) => `m${i}`);
    for (const content of sent) await thread.sendMessage({ content });
    assert.ok(seen.some((r) => r.status === 429 && Number(r.after) >= 1), JSON.stringify(seen));
    assert.deepEqual(texts(await all(thread.listMessages())), sent.toReversed());
  });
  await check("a token with another signature is refused", async () => {
    const [head, body] = alice.token.split(".");
    await refused(all(chatOf(`${head}.${body}.${Buffer.alloc(64, 7).toString("base64url")}`).listChatThreads()), 401);
  });
}
