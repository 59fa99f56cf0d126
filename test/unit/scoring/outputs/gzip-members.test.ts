import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGzipMembers } from "../../../../src/scoring/outputs/gzip-members.ts";

const text = fc.uint8Array({ maxLength: 60 });

describe("gzip in members", () => {
  it("holds the text, and is the same bytes however it was cut and carried", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, fc.boolean()), { maxLength: 12 }),
        text,
        fc.integer({ min: 1, max: 80 }),
        async (pieces, head, memberBytes) => {
          const whole = Buffer.concat([head, ...pieces.map(([piece]) => piece)]);
          const once = createGzipMembers({ memberBytes });
          const expected = Buffer.concat([await once.append(whole), await once.finish()]);
          let members = createGzipMembers({ memberBytes, head });
          const written: Uint8Array[] = [];
          for (const [piece, isCarried] of pieces) {
            written.push(await members.append(piece));
            // What follows must come out of the saved state alone.
            if (isCarried) members = createGzipMembers({ memberBytes, head }, members.save());
          }
          written.push(await members.finish());
          expect(Buffer.concat(written).equals(expected)).toBe(true);
          expect(gunzipSync(expected).equals(whole)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});
