// @azure/arm-communication, and the resources it makes used through
// @azure/communication-identity.
import assert from "node:assert/strict";
import { CommunicationServiceManagementClient } from "@azure/arm-communication";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import * as s from "./suite.mjs";

const group = "sdk-js";
const collect = async (pages) => {
  const all = [];
  for await (const one of pages) all.push(one);
  return all;
};

// staticCredential always gives the same token.
export const staticCredential = (value) => ({ getToken: async () => ({ token: value, expiresOnTimestamp: Date.now() + 3600_000 }) });

// serviceLife makes a resource, uses, changes and deletes it.
export async function serviceLife(client, name) {
  const services = client.communicationServices;
  const parameters = { location: "Global", dataLocation: "UnitedStates", tags: { team: "alice" } };
  const made = await services.beginCreateOrUpdateAndWait(group, name, parameters, { updateIntervalInMs: 50 });
  assert.deepEqual([made.name, made.provisioningState, made.dataLocation], [name, "Succeeded", "UnitedStates"]);
  assert.equal((await services.get(group, name)).immutableResourceId, made.immutableResourceId);
  const names = async (pages) => (await collect(pages)).map((r) => r.name);
  assert.ok((await names(services.listBySubscription())).includes(name));
  assert.ok((await names(services.listByResourceGroup(group))).includes(name));
  assert.deepEqual((await services.update(group, name, { tags: { team: "bob" } })).tags, { team: "bob" });
  const old = await services.listKeys(group, name);
  await services.regenerateKey(group, name, { keyType: "Primary" });
  const keys = await services.listKeys(group, name);
  await s.refused(new CommunicationIdentityClient(old.primaryConnectionString).createUser(), 401);
  await new CommunicationIdentityClient(keys.primaryConnectionString).createUser();
  await services.beginDeleteAndWait(group, name, { updateIntervalInMs: 50 });
  await s.refused(services.get(group, name), 404);
}

export default async function arm() {
  const check = (name, run) => s.check(`arm: ${name}`, run);
  const token = staticCredential;
  const options = { endpoint: s.config.armEndpoint };
  const client = new CommunicationServiceManagementClient(token(s.config.armToken), s.config.subscriptionId, options);
  const services = client.communicationServices;
  const name = "sdk-js-one";
  const create = (resource, tags) =>
    services.beginCreateOrUpdateAndWait(group, resource, { location: "Global", dataLocation: "Europe", tags }, { updateIntervalInMs: 50 });

  await check("operations", async () => {
    const operations = await collect(client.operations.list());
    assert.ok(operations.some((o) => o.name.toLowerCase().startsWith("microsoft.communication/")), JSON.stringify(operations));
  });
  await check("the default resource is there", async () => {
    const all = await collect(services.listBySubscription());
    const local = all.find((r) => r.name === "local");
    assert.equal(local?.provisioningState, "Succeeded");
    const parsed = /resourceGroups\/([^/]+)\//i.exec(local.id);
    const keys = await services.listKeys(parsed[1], "local");
    assert.ok([keys.primaryConnectionString, keys.secondaryConnectionString].includes(s.config.connectionString));
  });
  await check("checkNameAvailability", async () => {
    const type = "Microsoft.Communication/CommunicationServices";
    assert.equal((await services.checkNameAvailability({ name, type })).nameAvailable, true);
    const bad = await services.checkNameAvailability({ name: "no spaces", type });
    assert.deepEqual([bad.nameAvailable, bad.reason], [false, "Invalid"]);
  });
  let made;
  await check("create", async () => {
    made = await create(name, { team: "alice" });
    assert.equal(made.name, name);
    assert.equal(made.provisioningState, "Succeeded");
    assert.equal(made.dataLocation, "Europe");
    assert.equal(made.location.toLowerCase(), "global");
    assert.deepEqual(made.tags, { team: "alice" });
    assert.match(made.immutableResourceId, new RegExp(`^${s.guid}$`, "i"));
    assert.ok(made.hostName.length > 0);
    assert.equal(made.type.toLowerCase(), "microsoft.communication/communicationservices");
    assert.equal((await services.checkNameAvailability({ name, type: "Microsoft.Communication/CommunicationServices" })).reason, "AlreadyExists");
  });
  await check("create again changes nothing", async () => {
    const again = await create(name, { team: "alice" });
    assert.equal(again.immutableResourceId, made.immutableResourceId);
  });
  await check("get", async () => {
    const got = await services.get(group, name);
    assert.deepEqual([got.id, got.immutableResourceId, got.dataLocation], [made.id, made.immutableResourceId, "Europe"]);
  });
  await check("lists", async () => {
    await create("sdk-js-two");
    assert.deepEqual((await collect(services.listByResourceGroup(group))).map((r) => r.name).sort(), [name, "sdk-js-two"]);
    const all = await collect(services.listBySubscription());
    assert.ok(all.some((r) => r.name === name) && all.some((r) => r.name === "local"));
  });
  await check("update of tags", async () => {
    const updated = await services.update(group, name, { tags: { team: "bob", stage: "test" } });
    assert.deepEqual(updated.tags, { team: "bob", stage: "test" });
    assert.deepEqual((await services.get(group, name)).tags, { team: "bob", stage: "test" });
  });
  await check("both keys work, and only on their resource", async () => {
    const keys = await services.listKeys(group, name);
    const primary = new CommunicationIdentityClient(keys.primaryConnectionString);
    const user = await primary.createUser();
    assert.match(user.communicationUserId, s.userPattern);
    assert.ok(user.communicationUserId.startsWith(`8:acs:${made.immutableResourceId.toLowerCase()}_`));
    await new CommunicationIdentityClient(keys.secondaryConnectionString).deleteUser(user);
    const [endpoint] = /https:[^;]*/.exec(s.config.connectionString);
    await s.refused(new CommunicationIdentityClient(endpoint, { key: keys.primaryKey }).createUser(), 401);
    const other = await new CommunicationIdentityClient(s.config.connectionString).createUser();
    await s.refused(primary.getToken(other, ["chat"]), 401, "IdentityNotOwned");
  });
  for (const keyType of ["Primary", "Secondary"]) {
    await check(`regenerateKey ${keyType}`, async () => {
      const part = keyType.toLowerCase();
      const other = keyType === "Primary" ? "secondary" : "primary";
      const old = await services.listKeys(group, name);
      const oldClient = new CommunicationIdentityClient(old[`${part}ConnectionString`]);
      await oldClient.createUser();
      const fresh = await services.regenerateKey(group, name, { keyType });
      assert.notEqual(fresh[`${part}Key`], old[`${part}Key`]);
      await s.refused(oldClient.createUser(), 401);
      const listed = await services.listKeys(group, name);
      assert.equal(listed[`${other}Key`], old[`${other}Key`]);
      assert.equal(listed[`${part}Key`], fresh[`${part}Key`]);
      await new CommunicationIdentityClient(listed[`${part}ConnectionString`]).createUser();
      await new CommunicationIdentityClient(listed[`${other}ConnectionString`]).createUser();
    });
  }
  await check("linkNotificationHub", async () => {
    const resourceId = `/subscriptions/${s.config.subscriptionId}/resourceGroups/${group}/providers/Microsoft.NotificationHubs/namespaces/n/notificationHubs/h`;
    const linked = await services.linkNotificationHub(group, name, {
      linkNotificationHubParameters: { resourceId, connectionString: "Endpoint=sb://n.example/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0" },
    });
    assert.equal(linked.resourceId, resourceId);
    assert.equal((await services.get(group, name)).notificationHubId, resourceId);
  });
  await check("delete", async () => {
    const keys = await services.listKeys(group, name);
    const before = new CommunicationIdentityClient(keys.primaryConnectionString, { retryOptions: { maxRetries: 0 } });
    await before.createUser();
    for (const resource of [name, "sdk-js-two"]) await services.beginDeleteAndWait(group, resource, { updateIntervalInMs: 50 });
    await s.refused(services.get(group, name), 404, "ResourceNotFound");
    await assert.rejects(before.createUser());
    assert.deepEqual(await collect(services.listByResourceGroup(group)), []);
  });
  await check("delete of what is not there", () => services.beginDeleteAndWait(group, name, { updateIntervalInMs: 50 }));
  for (const apiVersion of ["2020-08-20", "2023-03-31", "2023-04-01", "2023-06-01-preview"]) {
    await check(`api-version ${apiVersion}`, () => serviceLife(
      new CommunicationServiceManagementClient(token(s.config.armToken), s.config.subscriptionId, { ...options, apiVersion }), `sdk-js-${apiVersion}`));
  }
  await check("e-mail services are not offered", async () => {
    assert.deepEqual(await collect(client.emailServices.listBySubscription()), []);
    await s.refused(client.emailServices.get(group, "mail"), 404);
  });
  await check("a token of the trusted issuer", async () => {
    const trusted = new CommunicationServiceManagementClient(s.credential("management"), s.config.subscriptionId, options);
    assert.ok((await collect(trusted.communicationServices.listBySubscription())).some((r) => r.name === "local"));
  });
  await check("a token of another issuer is refused", () =>
    s.refused(collect(new CommunicationServiceManagementClient(s.credential("untrusted"), s.config.subscriptionId, options).communicationServices.listBySubscription()), 401));
  await check("no token is refused", () =>
    s.refused(collect(new CommunicationServiceManagementClient(token("none"), s.config.subscriptionId, options).communicationServices.listBySubscription()), 401));
}
