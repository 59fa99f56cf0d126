import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sendWebhook, type WebhookOptions } from "../../../../src/scoring/webhook/webhook.ts";
import {
  checkWebhookTarget,
  createNameResolver,
  type ResolveName,
} from "../../../../src/scoring/webhook/webhook-names.ts";

/** Receivers by name: a real resolver over HTTP on loopback, whose zone each test writes. */

type Zone = Readonly<Record<string, Readonly<Record<"A" | "AAAA", readonly string[]>>>>;

const secret = `whsec_${Buffer.from("a secret of twenty-four!").toString("base64")}`;
const TYPES = { A: 1, AAAA: 28 } as const;
let zone: Zone = {};
let asked: string[] = [];
let misbehave: ((name: string) => { readonly status: number; readonly body: string } | null) | null = null;
let server: Server;
let resolverUrl = "";

beforeEach(async () => {
  [zone, asked, misbehave] = [{}, [], null];
  server = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://resolver").searchParams;
    const [name, type] = [query.get("name") ?? "", query.get("type") === "AAAA" ? "AAAA" : "A"] as const;
    asked.push(`${name} ${type}`);
    const wrong = misbehave?.(name) ?? null;
    if (wrong !== null) return response.writeHead(wrong.status).end(wrong.body);
    const records = zone[name];
    const answers = records?.[type].map((data) => ({ name, type: TYPES[type], TTL: 1, data }));
    // An alias on the way, as resolvers list it.
    const alias = { name, type: 5, TTL: 1, data: "elsewhere.example." };
    const body = records === undefined ? { Status: 3 } : { Status: 0, Answer: [alias, ...(answers ?? [])] };
    return response.writeHead(200, { "content-type": "application/dns-json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  resolverUrl = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}/dns-query` : "";
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

const makeResolver = (): ResolveName =>
  createNameResolver({ url: resolverUrl, timeoutMs: 2000, fetch: (url, init) => fetch(url, init) });

const check = (url: string): Promise<URL> => checkWebhookTarget(url, { allowedHosts: [], resolve: makeResolver() });

describe("a receiver's name", () => {
  it("is allowed where every address is public", async () => {
    zone = { "hooks.example": { A: ["8.8.8.8", "1.1.1.1"], AAAA: ["2606:4700::1111"] } };
    expect((await check("https://hooks.example/a")).hostname).toBe("hooks.example");
    expect((await check("https://hooks.example./a")).hostname).toBe("hooks.example.");
    expect(asked.slice(0, 2)).toEqual(["hooks.example A", "hooks.example AAAA"]);
  });

  it.each([
    ["loopback", { A: ["127.0.0.1"], AAAA: [] }],
    ["a private network", { A: ["10.0.0.7"], AAAA: [] }],
    ["a metadata service", { A: ["169.254.169.254"], AAAA: [] }],
    ["IPv6 loopback", { A: [], AAAA: ["::1"] }],
    ["an IPv4 address in IPv6", { A: [], AAAA: ["::ffff:10.0.0.1"] }],
    ["a unique local address", { A: ["8.8.8.8"], AAAA: ["fd00::1"] }],
    ["one private address among public ones", { A: ["8.8.8.8", "192.168.1.1", "1.1.1.1"], AAAA: [] }],
    ["an address in another form", { A: ["0x7f000001"], AAAA: [] }],
    ["what is no address", { A: ["localhost"], AAAA: [] }],
    ["nothing", { A: [], AAAA: [] }],
  ])("is refused where it stands for %s", async (_, records) => {
    zone = { "hooks.example": records };
    await expect(check("https://hooks.example/a")).rejects.toMatchObject({ code: "address_forbidden" });
  });

  it("is refused where there is no such name", async () => {
    await expect(check("https://hooks.example/a")).rejects.toMatchObject({ code: "address_forbidden" });
  });

  it.each([
    ["is out of order", { status: 500, body: "" }],
    ["fails to find out", { status: 200, body: '{"Status":2}' }],
    ["redirects", { status: 302, body: "" }],
    ["answers something else", { status: 200, body: "<html>" }],
    ["answers without end", { status: 200, body: " ".repeat(100_000) }],
  ])("is not used while the resolver %s, and may be later", async (_, wrong) => {
    zone = { "hooks.example": { A: ["8.8.8.8"], AAAA: [] } };
    misbehave = () => wrong;
    await expect(check("https://hooks.example/a")).rejects.toMatchObject({ code: "webhook_failed" });
    misbehave = null;
    expect((await check("https://hooks.example/a")).hostname).toBe("hooks.example");
  });

  it("is not asked for where the address needs none: numbers, allowed hosts, what is refused as it stands", async () => {
    const rules = {
      allowedHosts: ["intranet.example:8443", "other.example:443", "plain.intranet:80"],
      resolve: makeResolver(),
    };
    await checkWebhookTarget("https://8.8.8.8/a", rules);
    await checkWebhookTarget("https://[2606:4700::1111]/a", rules);
    await checkWebhookTarget("https://intranet.example:8443/a", rules);
    await checkWebhookTarget("https://other.example/a", rules);
    await checkWebhookTarget("http://plain.intranet/a", rules);
    await expect(checkWebhookTarget("http://plain.example/", rules)).rejects.toThrow("address_forbidden");
    expect(asked).toEqual([]);
  });
});

/** Sends as the Worker does; a name that passed the check leads to `receive`. */
function makeOptions(receive: (url: string) => Response): WebhookOptions {
  const wanted = { maxRedirects: 3, timeoutMs: 2000, clock: () => Date.now(), resolve: makeResolver() };
  return { secret, allowedHosts: [], ...wanted, fetch: async (url) => receive(url) };
}

describe("sending to a name", () => {
  it("looks again at each send: a name that has moved into a private network gets nothing", async () => {
    const seen: string[] = [];
    const options = makeOptions((url) => {
      seen.push(url);
      return new Response(null, { status: 204 });
    });
    zone = { "hooks.example": { A: ["8.8.8.8"], AAAA: [] } };
    await sendWebhook("https://hooks.example/a", "x", "{}", options);
    zone = { "hooks.example": { A: ["127.0.0.1"], AAAA: [] } };
    await expect(sendWebhook("https://hooks.example/a", "x", "{}", options)).rejects.toThrow("address_forbidden");
    expect(seen).toEqual(["https://hooks.example/a"]);
  });

  it("looks at each redirect: one to a name of a private network is not followed", async () => {
    const seen: string[] = [];
    zone = {
      "hooks.example": { A: ["8.8.8.8"], AAAA: [] },
      "next.example": { A: ["1.1.1.1"], AAAA: [] },
      "inside.example": { A: ["10.0.0.1"], AAAA: [] },
    };
    const places = ["https://next.example/b", "https://inside.example/c"];
    const options = makeOptions((url) => {
      seen.push(url);
      return new Response(null, { status: 307, headers: { location: places[seen.length - 1]! } });
    });
    await expect(sendWebhook("https://hooks.example/a", "x", "{}", options)).rejects.toThrow("address_forbidden");
    expect(seen).toEqual(["https://hooks.example/a", "https://next.example/b"]);
  });
});
