import fc from "fast-check";
import { expect, it } from "vitest";
import { findRows } from "../../../web/src/job/window-rows.ts";

/** Rows of a sheet that is longer than any screen. */

const HEIGHT = 298;

it("has every row of which a pixel is on the screen, no row that is not there, and few others", () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.integer({ min: -5000, max: 400_000_000 }),
      fc.integer({ min: 100, max: 3000 }),
      fc.nat(3),
      (rows, above, height, ahead) => {
        const { first, end } = findRows(rows, HEIGHT, above, height, ahead);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(rows);
        expect(first).toBeLessThanOrEqual(end);
        expect(end - first).toBeLessThanOrEqual(Math.ceil(height / HEIGHT) + 2 + 2 * ahead);
        const top = Math.max(0, Math.floor(above / HEIGHT));
        const bottom = Math.min(rows - 1, Math.ceil((above + height) / HEIGHT) - 1);
        for (const row of top <= bottom ? [top, bottom] : []) {
          expect(row >= first && row < end, `row ${row} of ${first} to ${end}`).toBe(true);
        }
      },
    ),
  );
});
