// Debian's Chromium, steered over the pipe of the DevTools protocol.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// open starts a browser that trusts a certificate by the hash of its key: it
// knows no authority but its own.
export function open(keyHash, program = process.env.PARLEY_CHROMIUM ?? names[0]) {
  const profile = mkdtempSync(join(tmpdir(), "parley-chromium-"));
  const child = spawn(program, [
    "--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, `--ignore-certificate-errors-spki-list=${keyHash}`,
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--window-size=1280,900", "about:blank",
  ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  return new Browser(child, profile);
}

class Browser {
  #child;
  #profile;
  #last = 0;
  #waiting = new Map();
  #pages = new Map();
  #rest = "";

  constructor(child, profile) {
    this.#child = child;
    this.#profile = profile;
    this.ended = new Promise((resolve) => child.once("exit", resolve));
    child.once("error", (error) => this.#fail(error));
    child.once("exit", (code) => this.#fail(new Error(`the browser ended with ${code}`)));
    child.stdio[4].on("data", (data) => this.#read(data.toString()));
    child.stdio[3].on("error", (error) => this.#fail(error));
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #read(text) {
    const parts = (this.#rest + text).split("\0");
    this.#rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part);
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (waiting && message.error) waiting.reject(new Error(message.error.message));
      else if (waiting) waiting.resolve(message.result);
      else this.#pages.get(message.sessionId)?.heard(message);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  // page opens an address in a page of its own; before runs ahead of its scripts.
  async page(address, before = "") {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId, browserContextId);
    this.#pages.set(sessionId, page);
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await page.send(`${domain}.enable`);
    if (before) await page.send("Page.addScriptToEvaluateOnNewDocument", { source: before });
    const loaded = page.once("Page.loadEventFired");
    await page.send("Page.navigate", { url: address });
    await loaded;
    return page;
  }

  async close() {
    this.#child.kill();
    await this.ended;
    // Its helper processes write for a moment longer, into folders that are
    // being removed.
    for (let tries = 1; ; tries++) {
      try {
        rmSync(this.#profile, { recursive: true, force: true });
        return;
      } catch (error) {
        if (tries === 40) {
          console.log(`the browser's profile stays behind: ${error.message}`);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }
}

class Page {
  // What went wrong in the page, and where its requests and sockets went.
  errors = [];
  requests = [];
  sockets = [];
  #once = [];

  constructor(browser, session, context) {
    this.browser = browser;
    this.session = session;
    this.context = context;
  }

  heard({ method, params }) {
    if (method === "Runtime.exceptionThrown") this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Log.entryAdded" && params.entry.level === "error") this.errors.push(`${params.entry.text} ${params.entry.url ?? ""}`.split("?")[0]);
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    if (method === "Network.webSocketCreated") this.sockets.push(params.url);
    const i = this.#once.findIndex((wanted) => wanted.method === method);
    if (i >= 0) this.#once.splice(i, 1)[0].resolve(params);
  }

  once(method) {
    return new Promise((resolve) => this.#once.push({ method, resolve }));
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  // run evaluates an expression, waits for what it promises and returns it.
  async run(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // call calls a function of the page's window.
  call(name, ...args) {
    return this.run(`window.${name}(${args.map((a) => JSON.stringify(a)).join(", ")})`);
  }

  async screenshot() {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }

  close() {
    return this.browser.send("Target.disposeBrowserContext", { browserContextId: this.context });
  }
}
