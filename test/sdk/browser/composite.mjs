// ChatComposite of @azure/communication-react, two people in two pages.
import assert from "node:assert/strict";
import { AzureCommunicationTokenCredential } from "@azure/communication-common";
import { ChatClient } from "@azure/communication-chat";
import * as s from "../js/suite.mjs";

const limit = 20_000;

// until waits until something of a page is true.
async function until(page, what, expression) {
  const by = Date.now() + limit;
  while (!(await page.run(expression))) {
    if (Date.now() > by) throw new Error(`not ${what} within ${limit / 1000} s; the page says: ${(await page.run("document.body.innerText")).slice(0, 1000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const shows = (page, text) => until(page, `showing ${text}`, `document.body.innerText.includes(${JSON.stringify(text)})`);
const hides = (page, text) => until(page, `without ${text}`, `!document.body.innerText.includes(${JSON.stringify(text)})`);
const messages = (page) => page.run("Object.values(window.adapter.getState().thread.chatMessages).map((m) => ({ id: m.id, type: m.type, message: m.content?.message, status: m.status }))");

// write types into the box and sends.
async function write(page, text) {
  await until(page, "ready to write", "document.querySelector('[data-ui-id=sendbox-textfield]') !== null");
  await page.run("document.querySelector('[data-ui-id=sendbox-textfield]').focus()");
  await page.send("Input.insertText", { text });
  await page.send("Input.dispatchKeyEvent", { type: "keyDown", key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" });
  await page.send("Input.dispatchKeyEvent", { type: "keyUp", key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 });
}

export default async function composite({ browser, site, endpoint, person, keep, transport, before }) {
  const check = (name, run) => s.check(`ChatComposite 1.34.0, ${transport}: ${name}`, run);
  const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
  const chat = new ChatClient(endpoint, new AzureCommunicationTokenCredential(alice.token));
  const { chatThread } = await chat.createChatThread({ topic: "Lunch" }, {
    participants: [{ id: { communicationUserId: alice.id }, displayName: "Alice" }, { id: { communicationUserId: bob.id }, displayName: "Bob" }],
  });
  const thread = chat.getChatThreadClient(chatThread.id);
  await thread.sendMessage({ content: "Said before anyone looked" }, { senderDisplayName: "Alice" });
  const hers = await browser.page(`${site.address}/chat.html`, before);
  const his = await browser.page(`${site.address}/chat.html`, before);
  const both = [hers, his];

  await check("two people open the thread: topic and history", async () => {
    await Promise.all([
      hers.call("show", { endpoint, person: alice, name: "Alice", threadId: chatThread.id }),
      his.call("show", { endpoint, person: bob, name: "Bob", threadId: chatThread.id }),
    ]);
    for (const page of both) {
      await shows(page, "Lunch");
      await shows(page, "Said before anyone looked");
    }
  });
  await check("a message written in the box is there for both, live", async () => {
    await write(his, "Shall we go at noon? 😀");
    for (const page of both) await shows(page, "Shall we go at noon? 😀");
    await write(hers, "At one, please");
    for (const page of both) await shows(page, "At one, please");
  });
  // Behind what was live: nobody keeps an indicator for who is not connected yet.
  await check("typing is shown to the other", async () => {
    await his.run("window.adapter.sendTypingIndicator()");
    await shows(hers, "Bob is typing");
  });
  await check("the sender sees that it was read", async () => {
    const last = (await messages(his)).findLast((m) => m.message === "At one, please");
    await his.run(`window.adapter.sendReadReceipt(${JSON.stringify(last.id)})`);
    await until(hers, "read", `window.adapter.getState().thread.readReceipts.some((r) => r.chatMessageId === ${JSON.stringify(last.id)} && r.sender.communicationUserId === ${JSON.stringify(bob.id)})`);
    await shows(hers, "Message seen by others");
  });
  await check("an edit is shown to the other", async () => {
    const first = (await messages(hers)).find((m) => m.message === "At one, please");
    await hers.run(`window.adapter.updateMessage(${JSON.stringify(first.id)}, "At half past one, please")`);
    for (const page of both) {
      await shows(page, "At half past one, please");
      await hides(page, "At one, please");
    }
    await shows(his, "Edited");
  });
  await check("a deletion is shown to the other", async () => {
    const { id } = (await messages(his)).find((m) => m.message === "Shall we go at noon? 😀");
    await his.run(`window.adapter.deleteMessage(${JSON.stringify(id)})`);
    for (const page of both) await hides(page, "Shall we go at noon? 😀");
  });
  await check("a new topic is shown to the other", async () => {
    await hers.run('window.adapter.setTopic("Dinner")');
    for (const page of both) await shows(page, "Dinner");
  });
  await check("somebody joins, and is removed", async () => {
    await thread.sendMessage({ content: "Carol comes too" }, { senderDisplayName: "Alice" });
    await thread.addParticipants({ participants: [{ id: { communicationUserId: carol.id }, displayName: "Carol" }] });
    for (const page of both) await shows(page, "Carol");
    for (const page of both) await shows(page, "Carol joined the chat");
    await until(his, "a list of three", "Object.keys(window.adapter.getState().thread.participants).length === 3");
    await thread.removeParticipant({ communicationUserId: carol.id });
    for (const page of both) await shows(page, "Carol left the chat");
    await until(his, "a list of two", "Object.keys(window.adapter.getState().thread.participants).length === 2");
  });
  // What the service tells of itself comes over REST, what people write over the
  // connection; the times of both decide, within one second too.
  await check("all of it is in the order in which it happened", async () => {
    await thread.sendMessage({ content: "She is gone again" }, { senderDisplayName: "Alice" });
    const told = ["Said before anyone looked", "At half past one, please", "Carol comes too", "Carol joined the chat", "Carol left the chat", "She is gone again"];
    for (const page of both) {
      await shows(page, told.at(-1));
      const places = await page.run(`(${JSON.stringify(told)}).map((text) => document.getElementById("root").innerText.indexOf(text))`);
      assert.ok(!places.includes(-1), `${places}`);
      assert.deepEqual(places, places.toSorted((a, b) => a - b), `${places}`);
    }
  });
  await check("no errors of the adapters", async () => {
    const name = `chat-composite-${transport.toLowerCase().replace(" ", "-")}`;
    keep(`${name}-alice.png`, await hers.screenshot());
    keep(`${name}-bob.png`, await his.screenshot());
    for (const page of both) assert.deepEqual(await page.run("Object.keys(window.adapter.getState().latestErrors)"), []);
    for (const page of both) assert.deepEqual(page.errors.filter((e) => !/office\.net|\.woff/.test(e)), []);
  });
  await check("by no other transport", () => {
    for (const page of both) {
      assert.equal(page.sockets.length > 0, transport === "WebSocket");
      assert.equal(page.requests.some((a) => a.includes("/xhr-polling/")), transport !== "WebSocket");
    }
  });
  await check("whoever is removed sees no more of it", async () => {
    await thread.removeParticipant({ communicationUserId: bob.id });
    await thread.sendMessage({ content: "Without Bob" }, { senderDisplayName: "Alice" });
    await shows(hers, "Without Bob");
    assert.equal((await messages(his)).some((m) => m.message === "Without Bob"), false);
  });
  for (const page of both) await page.close();
}
