// Older releases of the packages, which send older api-versions by themselves
// and sign as their times did: communication-common 1.0.0 (with identity 1.0.0)
// signs the header Date, 2.2.0 (with identity 1.2.0) doubles the port.
import assert from "node:assert/strict";
import { ChatClient as Chat10 } from "chat-1.0";
import { ChatClient as Chat11 } from "chat-1.1";
import { ChatClient as Chat13 } from "chat-1.3";
import { ChatClient as Chat14 } from "chat-1.4";
import { ChatClient as Chat152 } from "chat-1.5.2";
import { ChatClient as Chat154 } from "chat-1.5.4";
import { ChatClient as Chat11Beta } from "chat-1.1-beta";
import { ChatClient as Chat14Beta } from "chat-1.4-beta";
import { ChatClient as Chat15Beta } from "chat-1.5-beta";
import { ChatClient as Chat16Beta } from "chat-1.6-beta";
import { ChatClient as ChatBeta3 } from "chat-beta.3";
import { ChatClient as ChatBeta5 } from "chat-beta.5";
import { CommunicationServiceManagementClient as Arm30 } from "arm-3.0";
import { CommunicationServiceManagementClient as Arm40 } from "arm-4.0";
import { CommunicationServiceManagementClient as Arm41 } from "arm-4.1";
import { CommunicationIdentityClient as Identity10 } from "identity-1.0";
import { CommunicationIdentityClient as Identity11 } from "identity-1.1";
import { CommunicationIdentityClient as Identity12 } from "identity-1.2";
import { CommunicationIdentityClient as Identity130 } from "identity-1.3.0";
import { imageLife, memberLife, threadLife } from "./chat_life.mjs";
import { serviceLife, staticCredential } from "./arm.mjs";
import { userLife } from "./identity.mjs";
import * as s from "./suite.mjs";

// In 3.0.1 the operations have another name, and bodies stand among the options.
class Arm30Now {
  constructor(...parameters) {
    const services = new Arm30(...parameters).communicationService;
    this.communicationServices = new Proxy(services, {
      get: (_, name) => ({
        beginCreateOrUpdateAndWait: (group, resource, body, options) =>
          services.beginCreateOrUpdateAndWait(group, resource, { parameters: body, ...options }),
        update: (group, resource, body) => services.update(group, resource, { parameters: body }),
      })[name] ?? services[name].bind(services),
    });
  }
}

// Before 1.0.0 participants stand in the request, and the client of threads gets
// their properties.
class ChatBeta5Now extends ChatBeta5 {
  createChatThread({ topic }, { participants }) {
    return super.createChatThread({ topic, participants });
  }

  getChatThreadClient(id) {
    const thread = super.getChatThreadClient(id);
    thread.getProperties = () => this.getChatThread(id);
    return thread;
  }
}

export default async function released() {
  for (const [version, Client] of [["1.0.0", Identity10], ["1.1.0", Identity11], ["1.2.0", Identity12], ["1.3.0", Identity130]]) {
    await s.check(`identity ${version}: a user's life`, () => userLife(new Client(s.config.connectionString)));
    await s.check(`identity ${version}: a wrong key is refused`, () =>
      s.refused(new Client(s.config.endpoint, { key: s.otherKey }).createUser(), 401));
  }
  for (const [version, Client] of [["1.1.0", Identity11], ["1.2.0", Identity12]]) {
    await s.check(`identity ${version}: token of a Teams user`, async () => {
      const aadToken = await s.foreign("teams");
      const client = new Client(s.config.connectionString);
      const { clientId, userObjectId } = s.config.teams;
      const { token } = await client.getTokenForTeamsUser({ teamsUserAadToken: aadToken, clientId, userObjectId });
      assert.ok(s.claims(token).exp > Date.now() / 1000);
    });
  }
  for (const [version, Client] of [["3.0.1", Arm30Now], ["4.0.0", Arm40], ["4.1.0", Arm41]]) {
    await s.check(`arm ${version}: a resource's life`, () => serviceLife(
      new Client(staticCredential(s.config.armToken), s.config.subscriptionId, { endpoint: s.config.armEndpoint }), `sdk-js-${version.replaceAll(".", "-")}`));
  }
  // Their REST part only: before 1.5.4 real time is of hosts that are compiled in.
  for (const [version, Client] of [
    ["1.0.0", Chat10], ["1.1.0", Chat11], ["1.3.2", Chat13], ["1.4.0", Chat14], ["1.5.2", Chat152], ["1.5.4", Chat154],
    ["1.0.0-beta.5", ChatBeta5Now], ["1.1.0-beta.2", Chat11Beta], ["1.4.0-beta.2", Chat14Beta], ["1.5.0-beta.1", Chat15Beta], ["1.6.0-beta.7", Chat16Beta],
  ]) {
    await s.check(`chat ${version}: a thread's life`, () => threadLife(Client));
  }
  await s.check("chat 1.0.0-beta.3: a thread with members", () => memberLife(ChatBeta3));
  await s.check("chat 1.6.0-beta.7: images", () => imageLife(Chat16Beta));
}
