import * as fc from "fast-check";
import { expect, it } from "vitest";
import { readInputLines } from "../../../../src/scoring/inputs/input-lines.ts";
import { serializeItem } from "../../../../src/scoring/inputs/frozen-line.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";

it("finds any run of lines by bisection", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(60), { minLength: 1, maxLength: 300 }),
      fc.nat(),
      fc.nat(),
      async (lengths, at, size) => {
        const store = createMemoryStore();
        const items = lengths.map((length, index) => {
          const key = `k${index}${"x".repeat(length)}`;
          return { index, id: key, key, size: 1, etag: "e" };
        });
        await store.put("input.jsonl", items.map((item) => `${serializeItem(item)}\n`).join(""));
        const first = at % items.length;
        const count = 1 + (size % (items.length - first));
        const found = await readInputLines(store, "input.jsonl", first, count, 256);
        expect(found).toEqual(items.slice(first, first + count));
      },
    ),
    { numRuns: 200 },
  );
});
