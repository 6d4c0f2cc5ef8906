// What the checks of chat share, and the life of a thread as every release of
// @azure/communication-chat can lead it.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { ChatClient } from "@azure/communication-chat";
import { AzureCommunicationTokenCredential } from "@azure/communication-common";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import * as s from "./suite.mjs";

export const threadPattern = /^19:\S+@thread\.v2$/;
export const identity = new CommunicationIdentityClient(s.config.connectionString);

// refused checks status and code. The package reads the code from the body only
// where that is in today's form; the header has it at every version.
export async function refused(promise, status, code) {
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
export async function started(people, topic = "Lunch") {
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

export async function pages(iterator, settings) {
  const list = [];
  for await (const page of iterator.byPage(settings)) list.push(page);
  return list;
}

export const written = (messages) => messages.filter((m) => m.type === "text" || m.type === "html");
export const texts = (messages) => written(messages).map((m) => m.content?.message);
export const recent = (date) => assert.ok(Math.abs(date.getTime() - Date.now()) < 60_000, `${date}`);
export const notMember = (promise) => refused(promise, 403, "Forbidden");

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
