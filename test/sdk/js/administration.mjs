// @azure/communication-administration 1.0.0-beta.3: the identity part.
import assert from "node:assert/strict";
import { CommunicationIdentityClient } from "@azure/communication-administration";
import * as s from "./suite.mjs";

export default async function administration() {
  const client = new CommunicationIdentityClient(s.config.connectionString);
  const check = (name, run) => s.check(`administration: ${name}`, run);

  await check("createUser", async () => {
    const user = await client.createUser();
    assert.match(user.communicationUserId, s.userPattern);
    assert.equal(user._response.status, 200);
  });
  for (const scopes of [["chat"], ["voip"], ["pstn"], ["chat", "voip", "pstn"]]) {
    await check(`issueToken with ${scopes}`, async () => {
      const created = await client.createUser();
      const { token, expiresOn, user } = await client.issueToken(created, scopes);
      assert.equal(user.communicationUserId, created.communicationUserId);
      assert.deepEqual(s.claims(token).acsScope.split(","), scopes);
      assert.equal(s.minutesLeft(expiresOn), 1440);
      if (scopes.includes("voip")) await s.accepted(token, created.communicationUserId);
    });
  }
  await check("revokeTokens", async () => {
    const user = await client.createUser();
    const { token } = await client.issueToken(user, ["voip"]);
    await s.accepted(token, user.communicationUserId);
    await client.revokeTokens(user);
    await s.refusedToken(token);
  });
  await check("revokeTokens up to a moment", async () => {
    const user = await client.createUser();
    const { token } = await client.issueToken(user, ["voip"]);
    await client.revokeTokens(user, new Date(Date.now() - 3600_000));
    await s.accepted(token, user.communicationUserId);
    await client.revokeTokens(user, new Date(Date.now() + 1000));
    await s.refusedToken(token);
  });
  await check("deleteUser", async () => {
    const user = await client.createUser();
    const { token } = await client.issueToken(user, ["voip"]);
    await client.deleteUser(user);
    await s.refusedToken(token);
    await s.refused(client.issueToken(user, ["chat"]), 401);
  });
  await check("endpoint and key credential", async () => {
    const keyed = new CommunicationIdentityClient(s.config.endpoint, { key: s.config.accessKey });
    assert.match((await keyed.createUser()).communicationUserId, s.userPattern);
  });
  await check("a wrong key is refused", () =>
    s.refused(new CommunicationIdentityClient(s.config.endpoint, { key: s.otherKey }).createUser(), 401));
}
