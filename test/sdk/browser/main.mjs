// Runs the official chat packages in Chromium; PARLEY_SDK names the runner's
// configuration. The pages come from another origin than the service.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { CommunicationIdentityClient } from "@azure/communication-identity";
import { build } from "esbuild";
import composite from "./composite.mjs";
import { open } from "./chromium.mjs";
import openapi from "./openapi.mjs";
import * as s from "../js/suite.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "..", "..", "..", "out", "sdk-browser");
const identity = new CommunicationIdentityClient(s.config.connectionString);
const endpoint = s.config.endpoint.replace(/\/$/, "");

async function person() {
  const { user, token } = await identity.createUserAndToken(["chat"]);
  await s.helper("/secret", { token }); // no log of the service may hold it
  return { id: user.communicationUserId, token };
}

// bundle is what an application's own build would make of the packages.
async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [join(here, name)], bundle: true, write: false, format: "iife", platform: "browser", minify: true, logLevel: "error",
    jsx: "automatic", loader: { ".svg": "dataurl" }, define: { "process.env.NODE_ENV": '"production"', global: "window" },
  });
  return outputFiles[0].contents;
}

// serve serves the pages.
async function serve(scripts) {
  const server = createServer((request, response) => {
    const name = request.url.slice(1);
    if (scripts[name]) return response.setHeader("Content-Type", "text/javascript").end(scripts[name]);
    if (name === "favicon.ico") return response.writeHead(204).end();
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><html lang="en"><body style="margin:0"><div id="root"></div><script src="/${name.split(".")[0]}.js"></script></body></html>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://localhost:${server.address().port}`, close: () => server.close() };
}

// keyHash is the hash of the key of the service's certificate.
async function keyHash() {
  const { hostname, port } = new URL(endpoint);
  const socket = connect({ host: hostname, port: port || 443, servername: hostname });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  const certificate = new X509Certificate(socket.getPeerCertificate().raw);
  socket.destroy();
  return createHash("sha256").update(certificate.publicKey.export({ type: "spki", format: "der" })).digest("base64");
}

// without takes WebSockets from a page, as a network may that does not let them
// through: the package polls then.
const without = { WebSocket: "", "long polling": "delete window.WebSocket;" };

async function conversations(browser, site) {
  for (const release of ["1.6.0", "1.5.4"]) {
    for (const [transport, before] of Object.entries(without)) {
      const page = await browser.page(`${site.address}/page.html`, before);
      const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
      for (const [name, error] of await page.call("conversation", release, { endpoint, alice, bob, carol })) {
        await s.check(`chat ${release}, ${transport}: ${name}`, () => assert.equal(error, null));
      }
      await s.check(`chat ${release}, ${transport}: nothing went elsewhere, by no other transport`, () => {
        const away = [...page.requests, ...page.sockets].map((a) => new URL(a)).filter((u) => u.host !== new URL(endpoint).host && u.host !== new URL(site.address).host);
        assert.deepEqual(away.map((u) => u.host), []);
        assert.equal(page.sockets.length > 0, transport === "WebSocket");
        assert.equal(page.requests.some((a) => a.includes("/xhr-polling/")), transport !== "WebSocket");
      });
      await page.close();
    }
  }
}

// endings checks what becomes of an open connection.
async function endings(browser, site) {
  for (const [transport, before] of Object.entries(without)) {
    await s.check(`chat 1.6.0, ${transport}: revoking the token ends the connection`, async () => {
      const page = await browser.page(`${site.address}/page.html`, before);
      const alice = await person();
      await page.call("listen", "1.6.0", { endpoint, person: alice });
      await identity.revokeTokens({ communicationUserId: alice.id });
      await page.call("heard", "realTimeNotificationDisconnected");
      await page.close();
    });
    await s.check(`chat 1.6.0, ${transport}: a network that was away`, async () => {
      const page = await browser.page(`${site.address}/page.html`, before);
      await page.call("listen", "1.6.0", { endpoint, person: await person() });
      const network = (offline) => page.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
      await network(true);
      await page.run("window.dispatchEvent(new Event('offline'))");
      await page.call("heard", "realTimeNotificationDisconnected");
      await network(false);
      await page.run("window.dispatchEvent(new Event('online'))");
      await page.call("heard", "realTimeNotificationConnected");
      await page.close();
    });
  }
}

mkdirSync(output, { recursive: true });
const scripts = { "page.js": await bundle("page.js"), "chat.js": await bundle("chat.jsx") };
const site = await serve(scripts);
const browser = open(await keyHash());
try {
  await conversations(browser, site);
  await endings(browser, site);
  await openapi({ browser, endpoint, person });
  for (const [transport, before] of Object.entries(without)) {
    await composite({ browser, site, endpoint, person, transport, before, keep: (name, image) => writeFileSync(join(output, name), image) });
  }
} finally {
  await browser.close();
  site.close();
}
s.finish();
