// @azure/communication-common: token credentials and identifiers.
import assert from "node:assert/strict";
import {
  AzureCommunicationTokenCredential, createIdentifierFromRawId, getIdentifierKind, getIdentifierRawId, isCommunicationUserIdentifier,
} from "@azure/communication-common";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import * as s from "./suite.mjs";

const clientsScope = "https://communication.azure.com/clients/VoIP";
const teamsScope = "https://auth.msft.communication.azure.com/TeamsExtension.ManageCalls";

export default async function common() {
  const client = new CommunicationIdentityClient(s.config.connectionString);
  const check = (name, run) => s.check(`common: ${name}`, run);

  await check("a user's id is that of a communication user", async () => {
    const user = await client.createUser();
    const parsed = createIdentifierFromRawId(user.communicationUserId);
    assert.ok(isCommunicationUserIdentifier(parsed));
    assert.equal(getIdentifierKind(parsed).kind, "communicationUser");
    assert.equal(getIdentifierRawId(user), user.communicationUserId);
  });
  await check("credential of a token", async () => {
    const { user, token, expiresOn } = await client.createUserAndToken(["voip"]);
    const held = await new AzureCommunicationTokenCredential(token).getToken();
    assert.equal(held.token, token);
    assert.equal(held.expiresOnTimestamp, Math.trunc(expiresOn.getTime() / 1000) * 1000);
    await s.accepted(held.token, user.communicationUserId);
  });
  await check("credential that fetches tokens", async () => {
    const user = await client.createUser();
    const tokenRefresher = async () => (await client.getToken(user, ["voip"])).token;
    const credential = new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: true });
    await s.accepted((await credential.getToken()).token, user.communicationUserId);
    credential.dispose();
  });
  const exchange = async (scopes, kind) => {
    const credential = new AzureCommunicationTokenCredential({
      resourceEndpoint: s.config.endpoint.replace(/\/$/, ""), tokenCredential: s.credential(kind), scopes,
    });
    const { token, expiresOnTimestamp } = await credential.getToken();
    credential.dispose();
    assert.ok(expiresOnTimestamp > Date.now());
    return token;
  };
  await check("credential of an Entra user (2025-03-02-preview)", async () => {
    const first = await exchange([clientsScope], "entra");
    const second = await exchange([clientsScope], "entra");
    assert.equal(s.claims(first).skypeid, s.claims(second).skypeid, "the same user becomes the same identity");
    await s.accepted(first);
  });
  await check("credential of an Entra user whose token is not good is refused", () =>
    assert.rejects(exchange([clientsScope], "untrusted"), /Status: 401/));
  await check("credential of a Teams user under the extension (2025-06-30)", async () => {
    await s.helper("/assign", {});
    assert.ok(s.claims(await exchange([teamsScope], "extension")).exp > Date.now() / 1000);
  });
}
