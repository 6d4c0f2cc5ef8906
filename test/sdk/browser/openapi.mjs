// The page to try the API: what it sends is what stands in its form.
import assert from "node:assert/strict";
import * as s from "../js/suite.mjs";

// steps run in the page and use it as somebody would: choose an area, open an
// operation, fill its form in, send.
const steps = `
  window.until = async (what, found) => {
    for (let tries = 0; tries < 1000; tries++) {
      const value = found();
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the page never came to have " + what);
  };
  window.attempt = async ({ area, method, route, key = "", bearer = "", values = {}, edit }) => {
    const choose = document.getElementById("area");
    const before = await until("operations", () => document.querySelector("#operations details"));
    if (choose.value !== area) {
      choose.value = area;
      choose.onchange();
      await until("the operations of the area", () => document.querySelector("#operations details") !== before);
    }
    const operation = await until("the operation", () => [...document.querySelectorAll("#operations details")].find((d) =>
      d.querySelector(".route")?.textContent === route && d.querySelector(".method").textContent === method));
    document.getElementById("key").value = key;
    document.getElementById("bearer").value = bearer;
    operation.open = true;
    const form = await until("its form", () => operation.querySelector("form"));
    for (const label of form.querySelectorAll("label")) {
      const name = label.firstChild.textContent.split(/[ ,]/)[0];
      if (name in values) label.querySelector("input").value = values[name];
    }
    const text = form.querySelector("textarea");
    if (edit) text.value = JSON.stringify({ ...JSON.parse(text.value), ...edit });
    form.querySelector("[aria-live]").replaceChildren();
    form.requestSubmit();
    const status = await until("an answer", () => form.querySelector(".status"));
    const shown = form.querySelector("pre")?.textContent;
    return { status: parseInt(status.textContent), text: status.textContent, body: shown?.startsWith("{") ? JSON.parse(shown) : shown };
  };
`;

const resource = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Communication/communicationServices/{communicationServiceName}";

export default async function openapi({ browser, endpoint, person }) {
  const page = await browser.page(`${endpoint}/openapi`);
  await page.run(steps);
  const attempt = async (wanted, step) => {
    const answer = await page.call("attempt", step);
    assert.equal(answer.status, wanted, `${step.method} ${step.route}: ${answer.text} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await s.check("the page to try the API: a form as it comes, signed with the access key", async () => {
    const made = await attempt(201, { area: "identity", method: "POST", route: "/identities", key: s.config.connectionString });
    assert.match(made.identity.id, /^8:acs:/);
    assert.equal(made.accessToken, undefined);
  });
  await s.check("the page to try the API: null is sent where it was typed", async () => {
    const { token: bearer } = await person();
    const { chatThread } = await attempt(201, {
      area: "chat", method: "POST", route: "/chat/threads", bearer, edit: { topic: "page", metadata: { a: "1" } },
    });
    const thread = { area: "chat", route: "/chat/threads/{chatThreadId}", bearer, values: { chatThreadId: chatThread.id } };
    const read = async () => (await attempt(200, { ...thread, method: "GET" }));
    assert.deepEqual((await read()).metadata, { a: "1" });
    await attempt(204, { ...thread, method: "PATCH", edit: { topic: "other" } });
    assert.deepEqual([(await read()).topic, (await read()).metadata], ["other", { a: "1" }]);
    await attempt(204, { ...thread, method: "PATCH", edit: { metadata: null } });
    assert.deepEqual([(await read()).topic, (await read()).metadata], ["other", undefined]);
  });
  await s.check("the page to try the API: empty texts are sent where they were typed", async () => {
    const tags = { a: "", b: "1" };
    const changed = await attempt(200, {
      area: "resourcemanager", method: "PATCH", route: resource, bearer: s.config.armToken, edit: { tags },
      values: { subscriptionId: s.config.subscriptionId, resourceGroupName: "parley", communicationServiceName: "local" },
    });
    assert.deepEqual(changed.tags, tags);
  });
  await s.check("the page to try the API: nothing went wrong, nothing went elsewhere", () => {
    assert.deepEqual(page.errors, []);
    assert.deepEqual(page.requests.filter((a) => new URL(a).host !== new URL(endpoint).host && !a.startsWith("data:")), []);
  });
  await page.close();
}
