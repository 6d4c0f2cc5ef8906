// What the checks of all packages share: the runner's configuration, its
// helper, and a count.
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";

export const config = JSON.parse(readFileSync(process.env.PARLEY_SDK, "utf8"));

export const guid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
export const userPattern = new RegExp(`^8:acs:${guid}_${guid}$`);

let passed = 0;
let failed = 0;

// check runs one check and prints its line.
export async function check(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    const ours = (line, i) => i === 0 || !/node_modules|node:internal/.test(line);
    const text = String(error?.stack ?? error).split("\n").filter(ours);
    console.log(`FAIL ${name}: ${text.join("\n       ")}`);
  }
}

// finish prints the count that the runner reads.
export function finish() {
  console.log(`suite: ${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

// helper asks the runner to do what the packages cannot.
export async function helper(path, body) {
  const response = await fetch(config.helper + path, { method: "POST", body: JSON.stringify(body ?? {}) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`helper ${path}: ${answer.error}`);
  return answer;
}

// accepted checks that an agent can sign in with a token, and whose it is.
export async function accepted(token, userId) {
  const answer = await helper("/token", { token });
  assert.equal(answer.accepted, true, `the token is refused: ${answer.reason}`);
  if (userId !== undefined) assert.equal(answer.userId, userId);
}

// refusedToken checks that no agent can sign in with a token.
export async function refusedToken(token) {
  const answer = await helper("/token", { token });
  assert.equal(answer.accepted, false, "the token is accepted");
}

// foreign returns a token of the issuer that the service trusts.
export async function foreign(kind, claims) {
  return (await helper("/foreign", { kind, claims })).token;
}

// credential is a TokenCredential of the runner's issuer.
export function credential(kind, claims) {
  return {
    getToken: async () => ({ token: await foreign(kind, claims), expiresOnTimestamp: Date.now() + 3600_000 }),
  };
}

// refused checks status, and code and target where they are given.
export async function refused(promise, status, code, target) {
  let error;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, "the call succeeded");
  assert.equal(error.statusCode, status, `${error.name} ${error.code}: ${error.message}`);
  if (code !== undefined) assert.equal(error.code, code);
  if (target !== undefined) assert.equal(error.details?.error?.target ?? error.details?.target, target);
  return error;
}

// minutesLeft is how long something is good for, rounded to minutes.
export const minutesLeft = (date) => Math.round((date.getTime() - Date.now()) / 60_000);

// claims reads a token without checking it, as apps do.
export const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());

// otherKey is a key that no resource has.
export const otherKey = Buffer.alloc(64, 7).toString("base64");
