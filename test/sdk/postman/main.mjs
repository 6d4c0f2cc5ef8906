// Runs the collection that `make postman` writes, as it is, with Postman's own
// command-line runner: the requests that need nothing from elsewhere must be
// answered as the collection's documents say. PARLEY_SDK names the runner's
// configuration, PARLEY_COLLECTION the collection.
import { readFileSync } from "node:fs";
import newman from "newman";

const config = JSON.parse(readFileSync(process.env.PARLEY_SDK, "utf8"));
const collection = JSON.parse(readFileSync(process.env.PARLEY_COLLECTION, "utf8"));

// What each request is answered with, by the beginning of its name.
const expected = [
  ["Create a user,", 201],
  ["Get a user.", 200],
  ["Issue a token", 200],
  ["Create a thread.", 201],
  ["List the threads of the user", 200],
  ["Get a thread.", 200],
  ["Change the properties of a thread.", 204],
  ["Send a message.", 201],
  ["List the messages", 200],
  ["Get a message.", 200],
  ["Change a message", 204],
  ["Say up to which message", 200],
  ["List how far", 200],
  ["Tell the members", 200],
  ["List the participants", 200],
  ["Add participants.", 201],
  ["Delete a message", 204],
  ["Delete a thread", 204],
  ["Make all tokens of a user void", 204],
  ["Delete a user,", 204],
  ["List what the resource provider", 200],
  ["List the resources of a subscription", 200],
  ["List the resources of a group", 200],
  ["Create a resource,", 201],
  ["Change the tags", 200],
  ["Get the access keys", 200],
  ["Replace an access key", 200],
  ["List the e-mail services of a subscription", 200],
  ["Get one (e-mail service)", 404],
  ["Create one (e-mail service)", 501],
  ["Delete a resource,", 202],
];

const values = {
  endpoint: config.endpoint.replace(/\/$/, ""),
  accessKey: config.accessKey,
  bearer: config.armToken,
  subscriptionId: config.subscriptionId,
};

const run = await new Promise((resolve, reject) => {
  newman.run(
    {
      collection,
      environment: { values: Object.entries(values).map(([key, value]) => ({ key, value, enabled: true })) },
      sslExtraCaCerts: config.caFile,
      reporters: [],
      timeoutRequest: 30_000,
    },
    (error, summary) => (error ? reject(error) : resolve(summary.run)),
  );
});

let passed = 0;
let failed = 0;
const check = (name, ok, why) => {
  ok ? passed++ : failed++;
  console.log(ok ? `ok   ${name}` : `FAIL ${name}: ${why}`);
};
check("no script of the collection fails", run.failures.length === 0, run.failures.map((f) => f.error.message).join("; "));
for (const [begin, status] of expected) {
  const found = run.executions.filter((e) => e.item.name.startsWith(begin));
  const got = found.map((e) => e.response?.code ?? e.requestError?.message);
  check(`${begin} is answered with ${status}`, got.length === 1 && got[0] === status, got.join(", ") || "no such request");
}
console.log(`suite: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
