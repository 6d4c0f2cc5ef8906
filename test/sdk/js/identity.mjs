// @azure/communication-identity.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import * as s from "./suite.mjs";

const scopes = ["chat", "voip", "chat.join", "chat.join.limited", "voip.join"];

// userLife makes a user, uses, revokes and deletes it.
export async function userLife(client) {
  const { user, token } = await client.createUserAndToken(["chat", "voip"]);
  await s.accepted(token, user.communicationUserId);
  await s.accepted((await client.getToken(user, ["voip"])).token, user.communicationUserId);
  await client.revokeTokens(user);
  await s.refusedToken(token);
  await client.deleteUser(user);
  await s.refused(client.getToken(user, ["voip"]), 401, "IdentityNotOwned");
}

export default async function identity() {
  const client = new CommunicationIdentityClient(s.config.connectionString);
  const check = (name, run) => s.check(`identity: ${name}`, run);

  await check("createUser", async () => {
    const user = await client.createUser();
    assert.match(user.communicationUserId, s.userPattern);
  });
  await check("createUser makes another user every time", async () => {
    const users = await Promise.all([client.createUser(), client.createUser(), client.createUser()]);
    assert.equal(new Set(users.map((u) => u.communicationUserId)).size, 3);
  });
  await check("createUserAndToken", async () => {
    const { user, token, expiresOn } = await client.createUserAndToken(scopes);
    const claims = s.claims(token);
    assert.match(user.communicationUserId, s.userPattern);
    assert.equal(`8:${claims.skypeid}`, user.communicationUserId);
    assert.deepEqual(claims.acsScope.split(","), scopes);
    assert.equal(s.minutesLeft(expiresOn), 1440);
    assert.equal(Math.trunc(expiresOn.getTime() / 1000), claims.exp);
    await s.accepted(token, user.communicationUserId);
  });
  await check("createUserAndToken for 60 minutes", async () => {
    const { token, expiresOn } = await client.createUserAndToken(["chat"], { tokenExpiresInMinutes: 60 });
    assert.equal(s.minutesLeft(expiresOn), 60);
    assert.equal(s.minutesLeft(new Date(s.claims(token).exp * 1000)), 60);
  });
  for (const minutes of [59, 1441]) {
    await check(`createUserAndToken for ${minutes} minutes is refused`, () =>
      s.refused(client.createUserAndToken(["chat"], { tokenExpiresInMinutes: minutes }), 400, "ValidationError", "ExpiresInMinutes"));
  }
  for (const scope of scopes) {
    await check(`getToken with scope ${scope}`, async () => {
      const user = await client.createUser();
      const { token, expiresOn } = await client.getToken(user, [scope], { tokenExpiresInMinutes: 90 });
      assert.equal(s.claims(token).acsScope, scope);
      assert.equal(s.minutesLeft(expiresOn), 90);
    });
  }
  await check("getToken with an unknown scope is refused", async () => {
    await s.refused(client.getToken(await client.createUser(), ["everything"]), 400);
  });
  await check("getToken without scopes is refused", async () => {
    await s.refused(client.getToken(await client.createUser(), []), 400, "ValidationError");
  });
  await check("getToken for a user of another resource is refused", () =>
    s.refused(client.getToken({ communicationUserId: s.config.foreignUser }, ["chat"]), 401, "IdentityNotOwned"));
  await check("revokeTokens ends tokens and lets new ones be issued", async () => {
    const { user, token } = await client.createUserAndToken(["voip"]);
    const second = await client.getToken(user, ["voip"]);
    await s.accepted(token, user.communicationUserId);
    const { id } = await s.helper("/agent/open", { token });
    await client.revokeTokens(user);
    await s.refusedToken(token);
    await s.refusedToken(second.token);
    assert.equal((await s.helper("/agent/ended", { id })).ended, true, "the open connection lives on");
    await s.accepted((await client.getToken(user, ["voip"])).token, user.communicationUserId);
  });
  await check("revokeTokens twice", async () => {
    const user = await client.createUser();
    await client.revokeTokens(user);
    await client.revokeTokens(user);
  });
  await check("deleteUser", async () => {
    const { user, token } = await client.createUserAndToken(["voip"]);
    const { id } = await s.helper("/agent/open", { token });
    await client.deleteUser(user);
    await s.refusedToken(token);
    assert.equal((await s.helper("/agent/ended", { id })).ended, true, "the open connection lives on");
    await s.refused(client.getToken(user, ["chat"]), 401, "IdentityNotOwned");
  });
  await check("getTokenForTeamsUser", async () => {
    const { token, expiresOn } = await client.getTokenForTeamsUser({
      teamsUserAadToken: await s.foreign("teams"), clientId: s.config.teams.clientId, userObjectId: s.config.teams.userObjectId,
    });
    assert.ok(expiresOn > new Date());
    assert.ok(s.claims(token).exp > Date.now() / 1000);
  });
  await check("getTokenForTeamsUser for somebody else is refused", async () => {
    await s.refused(client.getTokenForTeamsUser({
      teamsUserAadToken: await s.foreign("teams"), clientId: s.config.teams.clientId, userObjectId: s.config.teams.tenantId,
    }), 401);
  });
  await check("getTokenForTeamsUser with no token of the issuer is refused", () =>
    s.refused(client.getTokenForTeamsUser({
      teamsUserAadToken: "invalid", clientId: s.config.teams.clientId, userObjectId: s.config.teams.userObjectId,
    }), 401, "InvalidAccessToken"));
  for (const apiVersion of ["2021-03-07", "2022-06-01", "2022-10-01", "2025-03-02-preview", "2025-06-30"]) {
    await check(`api-version ${apiVersion}`, () => userLife(new CommunicationIdentityClient(s.config.connectionString, { apiVersion })));
  }
  await check("endpoint and key credential", async () => {
    const keyed = new CommunicationIdentityClient(s.config.endpoint, { key: s.config.accessKey });
    assert.match((await keyed.createUser()).communicationUserId, s.userPattern);
  });
  await check("a wrong key is refused", () =>
    s.refused(new CommunicationIdentityClient(s.config.endpoint, { key: s.otherKey }).createUser(), 401));
  await check("a bearer token of the trusted issuer", async () => {
    const bearer = new CommunicationIdentityClient(s.config.endpoint, s.credential("service"));
    const { user, token } = await bearer.createUserAndToken(["voip"]);
    await s.accepted(token, user.communicationUserId);
    await bearer.deleteUser(user);
  });
  await check("a bearer token for another audience is refused", () =>
    s.refused(new CommunicationIdentityClient(s.config.endpoint, s.credential("service", { aud: "https://example.com" })).createUser(), 401));
  await check("an expired bearer token is refused", () =>
    s.refused(new CommunicationIdentityClient(s.config.endpoint, s.credential("service", { exp: 1_700_000_000 })).createUser(), 401));
  await check("429 is waited out and repeated", async () => {
    const seen = [];
    const limited = new CommunicationIdentityClient(s.config.limitedConnectionString, {
      additionalPolicies: [{
        position: "perRetry",
        policy: {
          name: "watch",
          sendRequest: async (request, next) => {
            const response = await next(request);
            seen.push({ status: response.status, after: response.headers.get("retry-after") });
            return response;
          },
        },
      }],
    });
    for (let i = 0; i < s.config.limit + 1; i++) await limited.createUser();
    assert.equal(seen.filter((r) => r.status === 201).length, s.config.limit + 1);
    assert.ok(seen.some((r) => r.status === 429 && Number(r.after) >= 1), JSON.stringify(seen));
  });
  await check("without the CA nothing is sent", () => {
    const env = { ...process.env };
    delete env.NODE_EXTRA_CA_CERTS;
    const { status, stderr, stdout } = spawnSync(process.execPath, ["untrusted.mjs"], { env, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  });
}
