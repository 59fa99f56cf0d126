import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { createRateCounter } from "../../../src/serve/rate-counter.ts";
import { collectHeaders, createSite, parseHeaderRules } from "../../../src/serve/site.ts";

/** The console's files: with the headers that production gives them, and nothing that is not one of them. */

const root = join(import.meta.dirname, "../../..");
const shipped = readFileSync(join(root, "web/_headers"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "countenance-site-"));
const inside = join(folder, "public");
mkdirSync(join(inside, "assets"), { recursive: true });
writeFileSync(join(inside, "_headers"), shipped);
writeFileSync(join(inside, "index.html"), "<title>console</title>");
writeFileSync(join(inside, "docs.html"), "<title>docs</title>");
writeFileSync(join(inside, "assets/a.js"), "export {};");
writeFileSync(join(folder, "secret"), "no file of the site");
mkdirSync(join(folder, "models"));
writeFileSync(join(folder, "models/weights.safetensors"), "weights");
writeFileSync(
  join(inside, "_moved.json"),
  JSON.stringify({ "/assets/w-1.safetensors": "../models/weights.safetensors" }),
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const site = createSite(inside, (request) => new Response(`api ${request.method} ${new URL(request.url).pathname}`));
const ask = async (path: string, init: RequestInit = {}) => site(new Request(`http://127.0.0.1${path}`, init));

describe("the headers of web/_headers", () => {
  const rules = parseHeaderRules(shipped);

  it("are those of every section that matches, in order", () => {
    const page = collectHeaders(rules, "/");
    expect(page.get("content-security-policy")).toContain("img-src 'self' blob:");
    expect(page.get("x-content-type-options")).toBe("nosniff");
    expect(page.get("cache-control")).toBeNull();
    const docs = collectHeaders(rules, "/docs");
    expect(docs.get("content-security-policy")).toContain("img-src 'self' data:");
    expect(docs.get("content-security-policy")).not.toContain("blob:");
    expect(collectHeaders(rules, "/assets/a.js").get("cache-control")).toContain("immutable");
  });

  it("join what two sections say, as the platform does", () => {
    const two = parseHeaderRules("/*\n  X-Word: one\n/a\n  X-Word: two\n");
    expect(collectHeaders(two, "/a").get("x-word")).toBe("one, two");
    expect(collectHeaders(two, "/b").get("x-word")).toBe("one");
  });
});

describe("the site", () => {
  it("compresses what is text, for those who take it, and calls it the same when it is asked for again", async () => {
    const text = "console.log('a');\n".repeat(200);
    writeFileSync(join(inside, "assets/long.js"), text);
    const plain = await ask("/assets/long.js");
    expect([plain.headers.get("content-encoding"), await plain.text()]).toEqual([null, text]);
    const packed = await ask("/assets/long.js", { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const bytes = new Uint8Array(await packed.arrayBuffer());
    expect(bytes.length).toBeLessThan(text.length / 4);
    expect(gunzipSync(bytes).toString()).toBe(text);
    const known = { "accept-encoding": "gzip", "if-none-match": packed.headers.get("etag") ?? "" };
    expect((await ask("/assets/long.js", { headers: known })).status).toBe(304);
  });

  it("answers its pages, with headers and a tag that spares the next reading", async () => {
    const page = await ask("/");
    expect([page.status, await page.text()]).toEqual([200, "<title>console</title>"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect(page.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    const again = await ask("/", { headers: { "if-none-match": page.headers.get("etag")! } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    expect(await (await ask("/docs")).text()).toBe("<title>docs</title>");
    const script = await ask("/assets/a.js");
    expect(script.headers.get("content-type")).toContain("javascript");
    expect(script.headers.get("cache-control")).toContain("immutable");
    expect((await ask("/", { method: "HEAD" })).status).toBe(200);
  });

  it.each([
    "/v1/jobs",
    "/healthz",
    "/readyz",
    "/_headers",
    "/_moved.json",
    "/absent",
    "/%2e%2e/secret",
    "/..%2fsecret",
    "/assets/../../secret",
  ])("leaves %s to the API", async (path) => {
    expect(await (await ask(path)).text()).toMatch(/^api GET /);
  });

  it("has files that a package holds once, elsewhere, with the headers of their path", async () => {
    const weights = await ask("/assets/w-1.safetensors");
    expect([weights.status, await weights.text()]).toEqual([200, "weights"]);
    expect(weights.headers.get("cache-control")).toContain("immutable");
  });

  it("leaves all that is no reading to the API", async () => {
    expect(await (await ask("/", { method: "POST" })).text()).toBe("api POST /");
  });

  it("is the API alone where the console was not built", async () => {
    const bare = createSite(join(folder, "absent"), () => new Response("api"));
    expect(await (await bare(new Request("http://127.0.0.1/"))).text()).toBe("api");
  });
});

it("a rate counter refuses what is over its limit until the period is over, to each caller alone", async () => {
  let nowMs = 0;
  const count = createRateCounter(2, 1000, () => nowMs);
  expect([await count("a"), await count("a"), await count("a"), await count("b")]).toEqual([true, true, false, true]);
  nowMs = 1000;
  expect(await count("a")).toBe(true);
});
