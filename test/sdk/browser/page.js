// The page of the real-time checks: both releases of the package.
import { ChatClient } from "@azure/communication-chat";
import { ChatClient as ChatClient154 } from "chat-1.5.4";
import { conversation, Listener } from "./conversation.js";

const clients = { "1.6.0": ChatClient, "1.5.4": ChatClient154 };

window.conversation = (release, options) => conversation(clients[release], options);

// listen opens a connection that stays; heard waits for an event of it.
let open;
window.listen = async (release, { endpoint, person }) => {
  open = new Listener(clients[release], endpoint, person);
  await open.start();
};
// A poll that is held when the network goes away is noticed when it should have
// been answered.
window.heard = (name) => open.next(name, undefined, 60_000).then((event) => JSON.parse(JSON.stringify(event)));
