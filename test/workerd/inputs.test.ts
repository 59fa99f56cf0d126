import { concatUint8Arrays } from "uint8array-extras";
import { env } from "cloudflare:workers";
import { packTar } from "modern-tar";
import { describe, expect, it } from "vitest";
import type { InputSpec } from "../../src/scoring/manifest/input-spec.ts";
import { createItemReader } from "../../src/scoring/inputs/item-reader.ts";
import { planInputPage } from "../../src/scoring/plan/plan-page.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import type { InputItem } from "../../src/scoring/records/input-item.ts";
import { createR2Store } from "../../src/storage/r2/r2-store.ts";
import type { R2BucketLike } from "../../src/storage/r2/r2-types.ts";

/** What differs between the runtimes is gunzip and streams: the same plans must come out inside workerd. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bindings of wrangler.toml have no type here
const store = createR2Store((env as { FACES: R2BucketLike }).FACES);

async function planAll(input: InputSpec, maxItems: number): Promise<InputItem[]> {
  const items: InputItem[] = [];
  let cursor: string | null = null;
  do {
    const page = await planInputPage(store, input, cursor, { ...LIMITS.plan, maxItems });
    expect(page.issues).toEqual([]);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

async function gzip(text: string): Promise<Uint8Array> {
  const body = new Response(text).body;
  if (body === null) throw new Error("a response with text has a body");
  return new Uint8Array(await new Response(body.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
}

const planManifest = (key: string) => planAll({ kind: "manifest", format: "image", key }, 1_000_000);

describe("inputs inside workerd", () => {
  it("plans a gzip manifest page by page", async () => {
    const lines = Array.from({ length: 500 }, (_, number) => `{"key":"in/${number}.jpg","label":${number % 7}}`);
    await store.put("inputs/m.jsonl.gz", await gzip(lines.join("\n")));
    const items = await planAll({ kind: "manifest", format: "image", key: "inputs/m.jsonl.gz" }, 90);
    expect(items.map((item) => item.key)).toEqual(lines.map((_, number) => `in/${number}.jpg`));
    expect(items.map((item) => item.index)).toEqual(lines.map((_, number) => number));
  });

  it("plans a gzip manifest of several members whole", async () => {
    const lines = Array.from({ length: 5000 }, (_, number) => `{"key":"in/${number}.jpg","label":${number % 7}}\n`);
    const members = [0, 1, 2, 3, 4].map((part) => gzip(lines.slice(part * 1000, part * 1000 + 1000).join("")));
    await store.put("inputs/members.jsonl.gz", concatUint8Arrays(await Promise.all(members)));
    const items = await planAll({ kind: "manifest", format: "image", key: "inputs/members.jsonl.gz" }, 900);
    expect(items.map((item) => item.key)).toEqual(lines.map((_, number) => `in/${number}.jpg`));
  });

  it("refuses a bomb and broken gzip as the caller's fault, not as a failure that may pass", async () => {
    await store.put("inputs/bomb.gz", await gzip("\n".repeat(4_000_000)));
    const whole = await gzip('{"key":"a"}\n'.repeat(10_000));
    await store.put("inputs/cut.gz", whole.subarray(0, Math.floor(whole.length / 2)));
    await store.put("inputs/noise.gz", concatUint8Arrays([whole.subarray(0, 12), new Uint8Array(500).fill(0xee)]));
    for (const key of ["inputs/cut.gz", "inputs/noise.gz"]) {
      await expect(planManifest(key)).rejects.toMatchObject({ code: "validation_failed" });
    }
    // A finding ends the reading long before the bomb is inflated: planAll expects that there is none.
    const finding = {
      code: "line_invalid",
      path: "inputs/bomb.gz",
      message: "there are more than 65536 bytes of blank lines",
    };
    await expect(planManifest("inputs/bomb.gz")).rejects.toMatchObject({ actual: [finding] });
  });

  it("plans a tar shard and reads its members together", async () => {
    const bodies = Array.from({ length: 40 }, (_, number) => new Uint8Array(100 + number).fill(number));
    const shard = await packTar(
      bodies.map((body, number) => ({ header: { name: `${number}.jpg`, size: body.length }, body })),
    );
    await store.put("inputs/tar/0.tar", shard);
    const items = await planAll({ kind: "prefix", format: "tar", prefix: "inputs/tar/" }, 7);
    expect(items).toHaveLength(40);
    const read = createItemReader(store, items, { ...LIMITS, maxBytes: 1000 });
    const results = await Promise.all(items.map(read));
    expect(results.map((result) => (result.kind === "bytes" ? result.bytes : null))).toEqual(bodies);
  });
});
