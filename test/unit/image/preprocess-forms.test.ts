import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { preprocessFace, toGray } from "../../../src/image/preprocess.ts";
import { preprocessTurned } from "../../../src/image/upright.ts";
import type { Raster } from "../../../src/model/face-finder.ts";
import { GRAY_48 } from "../../../src/model/input-form.ts";

const side = fc.integer({ min: 1, max: 40 });
const color: fc.Arbitrary<Raster> = fc
  .tuple(side, side)
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ width, height, channels: 3 as const, data })),
  );
const place = fc.double({ min: -20, max: 60, noNaN: true });
const cut = fc.record({ x: place, y: place, width: fc.double({ min: 0.1, max: 70, noNaN: true }), angle: place });
const size = fc.integer({ min: 8, max: 33 });

/** One channel of a picture, as a gray one. */
function split({ width, height, data }: Raster, channel: number): Raster {
  return { width, height, channels: 1, data: data.filter((_, i) => i % 3 === channel) };
}

/** Both ways of cutting. */
function* listCuts({ x, y, width, angle }: { x: number; y: number; width: number; angle: number }) {
  const across = { x: Math.cos(angle), y: Math.sin(angle) };
  yield (raster: Raster, form: { size: number; color: "gray" | "rgb" | "bgr" }) =>
    preprocessFace(raster, { x, y, width, height: width }, form);
  yield (raster: Raster, form: { size: number; color: "gray" | "rgb" | "bgr" }) =>
    preprocessTurned(raster, { middle: { x, y }, side: Math.ceil(width), across }, form);
}

describe("a face in color", () => {
  it("is each channel cut alone, in the order of the card", () => {
    fc.assert(
      fc.property(color, cut, size, (raster, where, pixels) => {
        for (const cutFace of listCuts(where)) {
          const rgb = cutFace(raster, { size: pixels, color: "rgb" });
          const bgr = cutFace(raster, { size: pixels, color: "bgr" });
          for (const channel of [0, 1, 2]) {
            const alone = cutFace(split(raster, channel), { size: pixels, color: "gray" });
            expect(rgb.filter((_, i) => i % 3 === channel)).toEqual(alone);
            expect(bgr.filter((_, i) => i % 3 === 2 - channel)).toEqual(alone);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("repeats the gray of a gray picture", () => {
    fc.assert(
      fc.property(color, cut, size, (raster, where, pixels) => {
        const gray = split(raster, 1);
        for (const cutFace of listCuts(where)) {
          const alone = cutFace(gray, { size: pixels, color: "gray" });
          const rgb = cutFace(gray, { size: pixels, color: "rgb" });
          expect(rgb).toEqual(Uint8Array.from({ length: alone.length * 3 }, (_, i) => alone[Math.floor(i / 3)]!));
          expect(toGray(rgb, { size: pixels, color: "rgb" })).toEqual(alone);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has one gray in both orders of channels", () => {
    fc.assert(
      fc.property(color, cut, (raster, where) => {
        for (const cutFace of listCuts(where)) {
          const [rgb, bgr] = (["rgb", "bgr"] as const).map((one) => {
            const form = { size: 20, color: one };
            return toGray(cutFace(raster, form), form);
          });
          expect(rgb).toEqual(bgr);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("of 48×48 gray is the default", () => {
    const raster = { width: 50, height: 60, channels: 3, data: new Uint8Array(9000).map((_, i) => i * 7) } as const;
    expect(preprocessFace(raster, null)).toEqual(preprocessFace(raster, null, GRAY_48));
    expect(preprocessFace(raster, null)).toHaveLength(2304);
  });
});
