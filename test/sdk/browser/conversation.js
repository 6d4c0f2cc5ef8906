// Runs in the browser: two people talk through the official chat package, and
// one of them listens. Each check is a step; what became of it goes back.
import { AzureCommunicationTokenCredential } from "@azure/communication-common";

const events = [
  "chatMessageReceived", "chatMessageEdited", "chatMessageDeleted", "typingIndicatorReceived", "readReceiptReceived", "chatThreadCreated",
  "chatThreadPropertiesUpdated", "chatThreadDeleted", "participantsAdded", "participantsRemoved",
];
const limit = 20_000;

export class Listener {
  #heard = [];
  #waiting = [];

  constructor(Client, endpoint, person) {
    this.person = person;
    this.client = new Client(endpoint, new AzureCommunicationTokenCredential(person.token));
  }

  async start() {
    await this.client.startRealtimeNotifications();
    for (const name of [...events, "realTimeNotificationConnected", "realTimeNotificationDisconnected"]) {
      this.client.on(name, (event) => this.#hear({ name, event }));
    }
    await this.next("realTimeNotificationConnected");
  }

  #hear(one) {
    this.#heard.push(one);
    for (const look of this.#waiting) look();
  }

  // next returns the next event of a name that was not returned yet.
  next(name, wanted = () => true, within = limit) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const i = this.#heard.findIndex((one) => one.name === name && wanted(one.event));
        if (i < 0) return;
        done();
        resolve(this.#heard.splice(i, 1)[0].event ?? {});
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`no ${name} within ${within / 1000} s; heard ${this.#heard.map((one) => one.name).join(", ") || "nothing"}`));
      }, within);
      const done = () => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((other) => other !== look);
      };
      this.#waiting.push(look);
      look();
    });
  }

  // rest is what was heard and not asked for.
  rest() {
    return this.#heard.map((one) => one.name);
  }

  stop() {
    return this.client.stopRealtimeNotifications();
  }
}

function same(what, got, want) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`);
}

// recent checks that something is a moment just now.
function recent(what, date) {
  if (!(date instanceof Date) || Math.abs(date.getTime() - Date.now()) > 60_000) throw new Error(`${what} is ${date}`);
}

const idOf = (identifier) => identifier?.communicationUserId;

// conversation returns [name, error] of each step; error is null when it is good.
export async function conversation(Client, { endpoint, alice, bob, carol }) {
  const steps = [];
  let broken = false;
  const step = async (name, run) => {
    if (broken) return steps.push([name, "not reached"]);
    try {
      await run();
      steps.push([name, null]);
    } catch (error) {
      broken = true;
      steps.push([name, String(error.stack ?? error)]);
    }
  };
  const writer = new Client(endpoint, new AzureCommunicationTokenCredential(alice.token));
  const hers = new Listener(Client, endpoint, alice);
  const his = new Listener(Client, endpoint, bob);
  const topic = `Lunch "100%" %41 süß 😀 ${"<&>"}`;
  const text = "Grüße 😀 \"50 %\" \\ <b>";
  let thread;
  let message;

  await step("both are connected", () => Promise.all([hers.start(), his.start()]));
  await step("chatThreadCreated", async () => {
    const { chatThread } = await writer.createChatThread({ topic }, {
      participants: [{ id: { communicationUserId: alice.id }, displayName: "Alice" }, { id: { communicationUserId: bob.id }, displayName: "Bob ü 7%" }],
    });
    thread = writer.getChatThreadClient(chatThread.id);
    for (const who of [hers, his]) {
      const e = await who.next("chatThreadCreated");
      same("threadId", e.threadId, chatThread.id);
      same("topic", e.properties.topic, topic);
      same("createdBy", idOf(e.createdBy.id), alice.id);
      same("participants", e.participants.map((p) => [idOf(p.id), p.displayName]).sort(), [[alice.id, "Alice"], [bob.id, "Bob ü 7%"]].sort());
      recent("createdOn", e.createdOn);
    }
  });
  await step("chatMessageReceived, by the receiver and by the sender", async () => {
    const { id } = await thread.sendMessage({ content: text }, { senderDisplayName: "Alice", metadata: { "a": "ä", "b": "2" } });
    message = id;
    for (const who of [hers, his]) {
      const e = await who.next("chatMessageReceived");
      same("threadId", e.threadId, thread.threadId);
      same("id", e.id, id);
      same("message", e.message, text);
      same("type", e.type.toLowerCase(), "text");
      same("sender", idOf(e.sender), alice.id);
      same("senderDisplayName", e.senderDisplayName, "Alice");
      same("recipient", idOf(e.recipient), who.person.id);
      same("metadata", e.metadata, { a: "ä", b: "2" });
      recent("createdOn", e.createdOn);
    }
  });
  await step("chatMessageReceived, HTML", async () => {
    await thread.sendMessage({ content: "<b>bold</b>" }, { type: "html" });
    const e = await his.next("chatMessageReceived");
    same("message", e.message, "<b>bold</b>");
    same("type", e.type.toLowerCase().replace("richtext/", ""), "html");
    await hers.next("chatMessageReceived");
  });
  await step("chatMessageEdited", async () => {
    await thread.updateMessage(message, { content: "better 😀", metadata: { c: "3" } });
    const e = await his.next("chatMessageEdited");
    same("id", e.id, message);
    same("message", e.message, "better 😀");
    same("sender", idOf(e.sender), alice.id);
    recent("editedOn", e.editedOn);
    if (e.metadata.c !== "3") throw new Error(`metadata ${JSON.stringify(e.metadata)}`);
  });
  await step("typingIndicatorReceived", async () => {
    if (!(await thread.sendTypingNotification({ senderDisplayName: "Al" }))) throw new Error("not sent");
    const e = await his.next("typingIndicatorReceived", (one) => idOf(one.sender) === alice.id);
    same("threadId", e.threadId, thread.threadId);
    same("senderDisplayName", e.senderDisplayName, "Al");
    recent("receivedOn", e.receivedOn);
  });
  await step("readReceiptReceived", async () => {
    await his.client.getChatThreadClient(thread.threadId).sendReadReceipt({ chatMessageId: message });
    const e = await hers.next("readReceiptReceived");
    same("chatMessageId", e.chatMessageId, message);
    same("threadId", e.threadId, thread.threadId);
    same("sender", idOf(e.sender), bob.id);
    recent("readOn", e.readOn);
  });
  await step("chatMessageDeleted", async () => {
    await thread.deleteMessage(message);
    const e = await his.next("chatMessageDeleted");
    same("id", e.id, message);
    same("sender", idOf(e.sender), alice.id);
    recent("deletedOn", e.deletedOn);
  });
  await step("chatThreadPropertiesUpdated", async () => {
    await thread.updateTopic("Später 10%");
    const e = await his.next("chatThreadPropertiesUpdated");
    same("threadId", e.threadId, thread.threadId);
    same("topic", e.properties.topic, "Später 10%");
    same("updatedBy", idOf(e.updatedBy.id), alice.id);
    recent("updatedOn", e.updatedOn);
  });
  await step("participantsAdded", async () => {
    await thread.addParticipants({ participants: [{ id: { communicationUserId: carol.id }, displayName: "Carol" }] });
    const e = await his.next("participantsAdded");
    same("participantsAdded", e.participantsAdded.map((p) => [idOf(p.id), p.displayName]), [[carol.id, "Carol"]]);
    same("addedBy", idOf(e.addedBy.id), alice.id);
    recent("addedOn", e.addedOn);
  });
  await step("participantsRemoved", async () => {
    await thread.removeParticipant({ communicationUserId: carol.id });
    const e = await his.next("participantsRemoved");
    same("participantsRemoved", e.participantsRemoved.map((p) => idOf(p.id)), [carol.id]);
    same("removedBy", idOf(e.removedBy.id), alice.id);
    recent("removedOn", e.removedOn);
  });
  await step("who was removed hears of it, and of nothing more", async () => {
    await thread.removeParticipant({ communicationUserId: bob.id });
    await his.next("participantsRemoved", (one) => one.participantsRemoved.some((p) => idOf(p.id) === bob.id));
    const { id } = await thread.sendMessage({ content: "without Bob" });
    await hers.next("chatMessageReceived", (one) => one.id === id);
    same("heard", his.rest().filter((name) => name === "chatMessageReceived"), []);
  });
  await step("chatThreadDeleted", async () => {
    await writer.deleteChatThread(thread.threadId);
    const e = await hers.next("chatThreadDeleted");
    same("threadId", e.threadId, thread.threadId);
    same("deletedBy", idOf(e.deletedBy.id), alice.id);
    recent("deletedOn", e.deletedOn);
  });
  await step("many messages arrive in order, each once", async () => {
    const { chatThread } = await writer.createChatThread({ topic: "Order" }, { participants: [{ id: { communicationUserId: bob.id } }] });
    const many = writer.getChatThreadClient(chatThread.id);
    const sent = [];
    for (let i = 0; i < 30; i++) sent.push((await many.sendMessage({ content: String(i) })).id);
    const got = [];
    while (got.length < sent.length) got.push((await his.next("chatMessageReceived")).id);
    same("order", got, sent);
    same("left over", his.rest().filter((name) => name === "chatMessageReceived"), []);
  });
  await step("stopped", () => Promise.all([hers.stop(), his.stop()]));
  return steps;
}
