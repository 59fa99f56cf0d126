import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseScope } from "../../../src/http/gate.ts";
import { createConsoleLogger, redact } from "../../../src/log.ts";
import { isGranted } from "../../../src/scoring/access/access.ts";
import { guardStore } from "../../../src/scoring/access/guarded-store.ts";
import { planInputPage } from "../../../src/scoring/plan/plan-page.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { manifestSchema } from "../../../src/scoring/manifest/manifest.ts";
import { sniffFormat } from "../../../src/image/sniff.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";

/** The parts that an attacker meets, one by one. */

const grants = [{ store: "faces", prefix: "mine/" }];
const segment = fc.constantFrom("mine", "theirs", "..", ".", "", "%2e%2e", "a");

describe("grants", () => {
  it("hold for a key exactly if a URL parser keeps it inside of the prefix", () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (parts) => {
        const key = parts.join("/");
        if (!isGranted(grants, "faces", key)) return;
        expect(key.startsWith("mine/")).toBe(true);
        // An encoded dot is three characters of a key; as text in an address it would be a dot.
        const path = new URL(`http://host/${key.replaceAll("%", "%25")}`).pathname;
        expect(path.startsWith("/mine/")).toBe(true);
        expect(isGranted(grants, "other", key)).toBe(false);
      }),
    );
  });

  it("stand before every operation of a store", async () => {
    const inner = createMemoryStore();
    await inner.put("theirs/a", "secret");
    await inner.put("mine/a", "open");
    const store = guardStore(inner, "faces", grants);
    const attempts: (() => Promise<unknown>)[] = [
      () => store.head("theirs/a"),
      () => store.get("theirs/a"),
      () => store.put("theirs/a", "x"),
      () => store.list({ prefix: "" }),
      () => store.list({ prefix: "theirs/" }),
      () => store.delete(["mine/a", "theirs/a"]),
      () => store.createMultipart("theirs/a"),
      async () => store.resumeMultipart("theirs/a", "1"),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: "forbidden" });
    expect((await inner.list({ prefix: "" })).objects.map(({ key }) => key)).toEqual(["mine/a", "theirs/a"]);
    expect((await store.list({ prefix: "mine/" })).objects).toHaveLength(1);
  });

  it("ask for admin on every path below /v1/keys, and never let a change pass as a read", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"), (rest, method) => {
        expect(chooseScope(`/v1/keys/${rest}`, method)).toBe("admin");
        const reads = method === "GET" || method === "HEAD";
        const object = chooseScope(`/v1/stores/\n${rest}`, method);
        expect(object).toBe(reads ? "jobs:read" : "objects:write");
        const scope = chooseScope(`/v1/jobs/${rest}`, method);
        expect(scope).toBe(method === "GET" || method === "HEAD" ? "jobs:read" : "jobs:write");
      }),
    );
  });
});

describe("logs", () => {
  it("stay one line an event, whatever a field holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (event, path) => {
        const lines: string[] = [];
        createConsoleLogger((line) => lines.push(line)).log("info", event, { path: `${path}\r\n{"level":"error"}` });
        expect(lines).toHaveLength(1);
        expect(lines[0]).not.toMatch(/[\r\n]/);
        expect(() => JSON.parse(lines[0]!) as unknown).not.toThrow();
      }),
    );
  });

  it("hold no secret at any depth", () => {
    const text = JSON.stringify(
      redact({ a: { authorization: "s3cr3t", deep: { api_key: "s3cr3t", cookie: "s3cr3t" } } }),
    );
    expect(text).not.toContain("s3cr3t");
  });
});

describe("bombs", () => {
  it("a manifest of zeros that inflates a thousandfold is refused, not inflated", async () => {
    const store = createMemoryStore();
    const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(100_000);
    await store.put("list.jsonl.gz", new Uint8Array(bomb));
    const limits = { ...LIMITS.plan, maxInflatedBytes: 8 * 1024 * 1024 };
    const input = { kind: "manifest", format: "image", key: "list.jsonl.gz" } as const;
    const outcome = await planInputPage(store, input, null, limits).then(
      (page) => page.issues.map(({ code }) => code),
      (error: unknown) => [String(error)],
    );
    expect(outcome.length).toBeGreaterThan(0);
    expect(outcome.length).toBeLessThanOrEqual(limits.maxIssues);
  });

  it("a manifest of garbage answers with less than it sent", async () => {
    const store = createMemoryStore();
    await store.put("list.jsonl", "}\n".repeat(50_000));
    const page = await planInputPage(
      store,
      { kind: "manifest", format: "image", key: "list.jsonl" },
      null,
      LIMITS.plan,
    );
    expect(page.issues.length).toBeLessThanOrEqual(LIMITS.plan.maxIssues);
    expect(page.items).toEqual([]);
  });

  it("the manifest's patterns take linear time", () => {
    const started = process.cpuUsage().user;
    for (const unit of ["a", "-", "/", "../../", "a-", "http://a.", "%"]) {
      const text = unit.repeat(200_000);
      manifestSchema.safeParse({
        name: text,
        input: { store: text, prefix: text },
        output: { store: text, prefix: text },
        model: text,
        notify: { url: `https://${text}` },
      });
    }
    // Microseconds; a quadratic pattern over 200,000 characters takes minutes.
    expect(process.cpuUsage().user - started).toBeLessThan(20_000_000);
  });
});

describe("polyglots", () => {
  it("pages, scripts, archives and vector graphics are no pictures, whatever follows", () => {
    const heads = [
      "<html><script>",
      "<svg xmlns='http://www.w3.org/2000/svg'>",
      "PK\u0003\u0004",
      "%PDF-1.7",
      "#!/bin/sh",
      "GIF87a",
    ];
    for (const head of heads) {
      const bytes = new TextEncoder().encode(`${head}${"\u0000".repeat(64)}`);
      expect([head, sniffFormat(bytes).kind === "image"]).toEqual([head, false]);
    }
  });
});
