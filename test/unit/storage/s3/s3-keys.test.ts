import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { createS3Store } from "../../../../src/storage/s3/s3-store.ts";
import { catchCode } from "../../../contract/object-store-steps.ts";
import { BUCKET, startWireServer, type WireServer } from "./s3-wire.ts";

/**
 * Keys on the wire: what the S3 adapter puts into request line, query and body, and what it makes of a listing. The contract of object
 * stores runs against a server whose router knows no line breaks; here nothing stands between the adapter and the socket.
 */

let server: WireServer;
let store: ObjectStore;

beforeAll(async () => {
  server = await startWireServer();
  store = createS3Store(server.config);
});

beforeEach(() => {
  server.requests.length = 0;
  server.objects.clear();
  server.formatKey = encodeURIComponent;
  server.saysEncoding = true;
});

afterAll(() => server.close());

/** Keys, and how a URL has to spell them. */
const KEYS: readonly (readonly [key: string, spelling: string])[] = [
  ["line\nfeed.jpg", "line%0Afeed.jpg"],
  ["carriage\rreturn.jpg", "carriage%0Dreturn.jpg"],
  ["both\r\n.jpg", "both%0D%0A.jpg"],
  ["\n", "%0A"],
  ["tab\tand\u0000nul\u007f", "tab%09and%00nul%7F"],
  ["with space.jpg", "with%20space.jpg"],
  [" at both ends ", "%20at%20both%20ends%20"],
  ["plus+sign.jpg", "plus%2Bsign.jpg"],
  ["percent%.jpg", "percent%25.jpg"],
  ["escaped%0A%2F.jpg", "escaped%250A%252F.jpg"],
  ["%2e%2e/dots", "%252e%252e/dots"],
  ["ünïcødé/日本語.jpg", "%C3%BCn%C3%AFc%C3%B8d%C3%A9/%E6%97%A5%E6%9C%AC%E8%AA%9E.jpg"],
  ["emoji-😀", "emoji-%F0%9F%98%80"],
  ["/leading/slash", "/leading/slash"],
  ["//two", "//two"],
  ["a//b", "a//b"],
  ["trailing/", "trailing/"],
  ["...", "..."],
  ["a..b/.c./..d", "a..b/.c./..d"],
  ["question?mark=1&x#y", "question%3Fmark%3D1%26x%23y"],
  ["back\\slash", "back%5Cslash"],
  ["!'()*-._~", "%21%27%28%29%2A-._~"],
  [';:@$,="<>[]^`{|}', "%3B%3A%40%24%2C%3D%22%3C%3E%5B%5D%5E%60%7B%7C%7D"],
];

const DOTTED = ["..", ".", "../up", "a/../b", "a/./b", "a/..", "./here", "\n/..", "/.."];

/** Keys that S3 takes and a URL can carry. */
const anyKey = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((key) => key.isWellFormed() && !key.split("/").some((segment) => segment === "." || segment === ".."));

const escapeAscii = (each: string): string => `%${each.charCodeAt(0).toString(16).toUpperCase()}`;

/** As RFC 3986 spells a path of this key, each slash a slash. */
const spellPath = (key: string): string =>
  `/${BUCKET}/${encodeURIComponent(key)
    .replaceAll(/[!'()*]/g, escapeAscii)
    .replaceAll("%2F", "/")}`;

/** Every call that names one object. */
async function callAll(key: string): Promise<void> {
  await store.put(key, key);
  const found = await store.read(key, { maxBytes: 10_000 });
  expect(found.kind === "found" ? new TextDecoder().decode(found.bytes) : found.kind).toBe(key);
  expect(await store.head(key)).toMatchObject({ key });
  await store.delete([key]);
  expect(await store.head(key)).toBeNull();
  const upload = await store.createMultipart(key);
  await upload.uploadPart(1, new Uint8Array([1]));
  await upload.complete([{ partNumber: 1, etag: "e" }]);
  await store.resumeMultipart(key, upload.uploadId).abort();
}

/** Methods and marks of the requests of {@link callAll}. */
const CALLS = [
  "PUT",
  "GET",
  "HEAD",
  "DELETE",
  "HEAD",
  "POST uploads",
  "PUT uploadId",
  "POST uploadId",
  "DELETE uploadId",
];

function listCalls(): string[] {
  return server.requests.map(({ method, query }) => {
    const mark = query.map(([name]) => name).find((name) => name === "uploads" || name === "uploadId");
    return mark === undefined ? method : `${method} ${mark}`;
  });
}

describe("the request line", () => {
  it.each(KEYS)("spells %j as %s, signed so, in every call", async (key, spelling) => {
    await callAll(key);
    expect(listCalls()).toEqual(CALLS);
    expect([...new Set(server.requests.map(({ path }) => path))]).toEqual([`/${BUCKET}/${spelling}`]);
    expect(server.requests.every(({ isSigned }) => isSigned)).toBe(true);
  });

  it("spells any key so that it comes back the same", async () => {
    await fc.assert(
      fc.asyncProperty(anyKey, async (key) => {
        server.requests.length = 0;
        await callAll(key);
        for (const { path, isSigned } of server.requests) expect([path, isSigned]).toEqual([spellPath(key), true]);
        expect(decodeURIComponent(spellPath(key))).toBe(`/${BUCKET}/${key}`);
      }),
      { numRuns: 60 },
    );
  });

  it.each(DOTTED)("never has the dot segment of %j", async (key) => {
    for (const call of [
      store.put(key, "x"),
      store.get(key),
      store.head(key),
      store.delete([key]),
      store.delete(["fine", key]),
      store.createMultipart(key),
    ]) {
      expect(await catchCode(call)).toBe("validation_failed");
    }
    expect(() => store.resumeMultipart(key, "u")).toThrow("dot segment");
    expect(server.requests).toEqual([]);
  });

  it("does not tell a wrong signature for a right one", async () => {
    const stranger = createS3Store({ ...server.config, credentials: { accessKeyId: "id", secretAccessKey: "guess" } });
    await stranger.put("a", "x");
    expect(server.requests.map(({ isSigned }) => isSigned)).toEqual([false]);
  });
});

describe("a batch delete", () => {
  it("names in XML what XML can carry, and the rest one by one", async () => {
    const keys = KEYS.map(([key]) => key);
    await store.delete(keys);
    const [body] = server.requests.filter(({ method }) => method === "POST").map((request) => request.body);
    const named = [...(body ?? "").matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, text = ""]) => readXmlText(text));
    const single = server.requests.filter(({ method }) => method === "DELETE").map(({ path }) => path);
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    const expected = keys.filter((key) => /[\u0000-\u001f]|^\s|\s$/.test(key));
    expect(single).toEqual(expected.map(spellPath));
    expect(named).toEqual(keys.filter((key) => !expected.includes(key)));
    expect(expected).toHaveLength(6);
    expect(server.requests.every(({ isSigned }) => isSigned)).toBe(true);
  });
});

/** Text of an element, its references resolved. */
function readXmlText(text: string): string {
  const names: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(?:#x([\da-f]+)|(\w+));/gi, (_, code: string | undefined, name = "") =>
    code === undefined ? (names[String(name)] ?? "") : String.fromCodePoint(Number.parseInt(code, 16)),
  );
}

/** As AWS writes keys: a form's encoding, slashes as they are. */
const formatAsAws = (key: string): string =>
  encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/").replaceAll("%2A", "*");

describe("a listing", () => {
  it.each([
    ["percent signs only", encodeURIComponent],
    ["plus signs for spaces", formatAsAws],
  ] as const)("asks for encoded keys and reads them the same, with %s", async (_, format) => {
    server.formatKey = format;
    for (const [key] of KEYS) server.objects.set(key, "x");
    const { objects } = await store.list({ prefix: "" });
    expect(objects.map(({ key }) => key)).toEqual(KEYS.map(([key]) => key).sort());
    expect(new Map(server.requests[0]!.query).get("encoding-type")).toBe("url");
  });

  it("reads any key the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyKey, { maxLength: 20 }), fc.boolean(), async (keys, isAws) => {
        server.formatKey = isAws ? formatAsAws : encodeURIComponent;
        server.objects.clear();
        for (const key of keys) server.objects.set(key, "x");
        expect((await store.list({ prefix: "" })).objects.map(({ key }) => key)).toEqual(keys.sort());
      }),
      { numRuns: 60 },
    );
  });

  it("takes the keys of a server that ignores the wish as they are", async () => {
    server.saysEncoding = false;
    server.formatKey = (key) =>
      key.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\r", "&#xD;").replaceAll("\n", "&#xA;");
    const keys = ["a+b", "a%20b", "line\r\nbreak", "<&>"].sort();
    for (const key of keys) server.objects.set(key, "x");
    expect((await store.list({ prefix: "" })).objects.map(({ key }) => key)).toEqual(keys);
  });

  it.each(KEYS)("sends prefix and start %j as they are, signed so", async (key) => {
    server.objects.set(key, "x");
    const startAfter = `${key}\n`;
    expect((await store.list({ prefix: key, startAfter })).objects.map((object) => object.key)).toEqual([key]);
    await store.list({ prefix: key, cursor: startAfter });
    const [first, second] = server.requests.map(({ query }) => new Map(query));
    expect(decodeURIComponent(first!.get("prefix")!)).toBe(key);
    expect(decodeURIComponent(first!.get("start-after")!)).toBe(startAfter);
    expect(decodeURIComponent(second!.get("continuation-token")!)).toBe(startAfter);
    expect(server.requests.every(({ isSigned }) => isSigned)).toBe(true);
  });
});
