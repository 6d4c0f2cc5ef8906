// @azure/communication-chat, its REST part: in Node the package has no real time.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { ChatClient } from "@azure/communication-chat";
import { AzureCommunicationTokenCredential } from "@azure/communication-common";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import * as s from "./suite.mjs";

const threadPattern = /^19:\S+@thread\.v2$/;
const identity = new CommunicationIdentityClient(s.config.connectionString);

// refused checks status and code. The package reads the code from the body only
// where that is in today's form; the header has it at every version.
async function refused(promise, status, code) {
  const error = await s.refused(promise, status);
  const header = error.response.headers.get("x-ms-error-code");
  if (code !== undefined) assert.equal(header, code);
  if (error.code !== undefined && code !== undefined) assert.equal(error.code, code);
}

// person makes a user with a token, and what chats as that user.
export async function person(scopes = ["chat"], Client = ChatClient) {
  const { user, token } = await identity.createUserAndToken(scopes);
  return { user, id: user.communicationUserId, token, chat: chatOf(token, Client) };
}

export function chatOf(token, Client = ChatClient, options = {}) {
  return new Client(s.config.endpoint, new AzureCommunicationTokenCredential(token), options);
}

// started makes a thread of several people; the first one makes it.
async function started(people, topic = "Lunch") {
  const participants = people.map(({ user }, i) => ({ id: user, displayName: `Person ${i}` }));
  const { chatThread, invalidParticipants } = await people[0].chat.createChatThread({ topic }, { participants });
  assert.deepEqual(invalidParticipants ?? [], []);
  return chatThread.id;
}

export async function all(iterator) {
  const list = [];
  for await (const one of iterator) list.push(one);
  return list;
}

async function pages(iterator, settings) {
  const list = [];
  for await (const page of iterator.byPage(settings)) list.push(page);
  return list;
}

const written = (messages) => messages.filter((m) => m.type === "text" || m.type === "html");
const texts = (messages) => written(messages).map((m) => m.content?.message);
const recent = (date) => assert.ok(Math.abs(date.getTime() - Date.now()) < 60_000, `${date}`);
const notMember = (promise) => refused(promise, 403, "Forbidden");

// threadLife makes a thread, talks in it and deletes it, with a release of the package.
export async function threadLife(Client) {
  const [alice, bob] = await Promise.all([person(["chat"], Client), person(["chat"], Client)]);
  const { chatThread } = await alice.chat.createChatThread({ topic: "Life" },
    { participants: [{ id: alice.user, displayName: "Alice" }, { id: bob.user, displayName: "Bob" }] });
  assert.match(chatThread.id, threadPattern);
  const [a, b] = [alice, bob].map((p) => p.chat.getChatThreadClient(chatThread.id));
  assert.equal((await b.getProperties()).topic, "Life");
  await a.updateTopic("Long life");
  const { id } = await a.sendMessage({ content: "hello" }, { senderDisplayName: "Alice" });
  const got = await b.getMessage(id);
  assert.equal(got.content.message, "hello");
  assert.equal(got.sender.communicationUserId, alice.id);
  await a.updateMessage(id, { content: "hello again" });
  assert.equal((await b.getMessage(id)).content.message, "hello again");
  await b.sendReadReceipt({ chatMessageId: id });
  const [receipt] = await all(a.listReadReceipts());
  assert.equal(receipt.sender.communicationUserId, bob.id);
  await b.sendTypingNotification();
  assert.deepEqual((await all(b.listMessages())).map((m) => m.type).sort(), ["participantAdded", "text", "topicUpdated", "topicUpdated"]);
  await a.deleteMessage(id);
  assert.ok((await b.getMessage(id)).deletedOn instanceof Date);
  const carol = await person(["chat"], Client);
  await a.addParticipants({ participants: [{ id: carol.user, displayName: "Carol" }] });
  assert.equal((await all(b.listParticipants())).length, 3);
  await a.removeParticipant(carol.user);
  await notMember(carol.chat.getChatThreadClient(chatThread.id).getProperties());
  assert.ok((await all(bob.chat.listChatThreads())).some((t) => t.id === chatThread.id));
  await alice.chat.deleteChatThread(chatThread.id);
  await refused(b.getProperties(), 404, "NotFound");
}

// memberLife is threadLife as it was at 2020-09-21-preview2: threads have
// members, and making one gives its client.
export async function memberLife(Client) {
  const [alice, bob, carol] = await Promise.all([person(["chat"], Client), person(["chat"], Client), person(["chat"], Client)]);
  const a = await alice.chat.createChatThread({ topic: "Life", members: [{ user: alice.user, displayName: "Alice" }, { user: bob.user, displayName: "Bob" }] });
  const b = await bob.chat.getChatThreadClient(a.threadId);
  const made = await bob.chat.getChatThread(a.threadId);
  assert.equal(made.topic, "Life");
  assert.equal(made.createdBy.communicationUserId, alice.id);
  assert.deepEqual(made.members.map((m) => m.user.communicationUserId).sort(), [alice.id, bob.id].sort());
  await a.updateThread({ topic: "Long life" });
  assert.equal((await alice.chat.getChatThread(a.threadId)).topic, "Long life");
  const { id } = await a.sendMessage({ content: "hello" }, { priority: "High", senderDisplayName: "Alice" });
  await a.updateMessage(id, { content: "hello again" });
  const got = await b.getMessage(id);
  assert.deepEqual([got.content, got.senderDisplayName, got.sender.communicationUserId], ["hello again", "Alice", alice.id]);
  await b.sendReadReceipt({ chatMessageId: id });
  const [receipt] = await all(a.listReadReceipts());
  assert.deepEqual([receipt.sender.communicationUserId, receipt.chatMessageId], [bob.id, id]);
  await b.sendTypingNotification();
  assert.ok((await all(b.listMessages())).some((m) => m.id === id));
  await a.addMembers({ members: [{ user: carol.user, displayName: "Carol", shareHistoryTime: new Date(0) }] });
  assert.equal((await all(b.listMembers())).length, 3);
  assert.equal((await (await carol.chat.getChatThreadClient(a.threadId)).getMessage(id)).content, "hello again");
  await a.removeMember(carol.user);
  // This release does not throw on the refusals that its contract names.
  const gone = await carol.chat.getChatThread(a.threadId);
  assert.deepEqual([gone._response.status, gone.topic, gone.members], [403, undefined, undefined]);
  await a.deleteMessage(id);
  assert.ok((await all(bob.chat.listChatThreads())).some((t) => t.id === a.threadId));
  await alice.chat.deleteChatThread(a.threadId);
  await refused(bob.chat.getChatThread(a.threadId), 404, "NotFound");
}

// pixel is a PNG of one pixel.
const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVQYV2P4DwABAQEAWk1v8QAAAABJRU5ErkJggg==", "base64");

// imageLife is what only 2024-06-05-preview has.
export async function imageLife(Client) {
  const [alice, bob] = await Promise.all([person(["chat"], Client), person(["chat"], Client)]);
  const { chatThread } = await alice.chat.createChatThread({ topic: "Images" }, { participants: [{ id: bob.user }] });
  const [a, b] = [alice, bob].map((p) => p.chat.getChatThreadClient(chatThread.id));
  const image = await a.uploadImage(pixel.buffer.slice(pixel.byteOffset, pixel.byteOffset + pixel.length), "menu.png");
  assert.deepEqual([image.attachmentType, image.name], ["image", "menu.png"]);
  const streamed = await a.uploadImage(Readable.from([pixel]), "streamed.png", pixel.length);
  const sent = await a.sendMessage({ content: `<p>look</p><img id="${image.id}">` }, { type: "html", attachments: [image, streamed] });
  const got = await b.getMessage(sent.id);
  assert.deepEqual(got.content.attachments.map((one) => one.id), [image.id, streamed.id]);
  const [{ url, previewUrl }] = got.content.attachments;
  for (const link of [url, previewUrl]) {
    assert.equal((await fetch(link)).status, 401);
    const shown = await fetch(link, { headers: { Authorization: `Bearer ${bob.token}` } });
    assert.equal(shown.status, 200);
    assert.match(shown.headers.get("content-type"), /^image\//);
    if (link === url) assert.deepEqual(Buffer.from(await shown.arrayBuffer()), pixel);
  }
  await refused(b.deleteImage(image.id), 403, "Forbidden");
  await a.deleteImage(streamed.id);
  await notMember((await person(["chat"], Client)).chat.getChatThreadClient(chatThread.id).uploadImage(pixel, "x.png"));
  await refused(a.uploadImage(Buffer.from("<svg onload='alert(1)'/>"), "x.png"), 400);
}

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
  await check("a token with another signature is refused", async () => {
    const [head, body] = alice.token.split(".");
    await refused(all(chatOf(`${head}.${body}.${Buffer.alloc(64, 7).toString("base64url")}`).listChatThreads()), 401);
  });
}
