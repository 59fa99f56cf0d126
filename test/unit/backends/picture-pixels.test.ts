import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GRAPH_BINARIES, GRAPH_ENGINES } from "../../../src/backends/graph/kernel.ts";
import { createGraphPixels } from "../../../src/backends/graph/picture-pixels.ts";
import { PLAIN_PIXELS } from "../../../src/image/letterbox.ts";
import type { Raster } from "../../../src/model/face-finder.ts";
import { createRandom } from "../../../src/scoring/statistics/random.ts";

function drawRaster(width: number, height: number, channels: 1 | 3, seed: number): Raster {
  const random = createRandom(seed);
  // Many bytes at both ends of the range, where rounding clips.
  const data = Uint8Array.from({ length: width * height * channels }, () => {
    const value = random.next();
    return value < 0.2 ? 0 : value > 0.8 ? 255 : Math.floor(value * 256);
  });
  return { width, height, channels, data };
}

const side = fc.integer({ min: 1, max: 70 });
const channels = fc.constantFrom<(1 | 3)[]>(1, 3, 3, 3);
const seed = fc.integer({ min: 1, max: 1e6 });

describe.each(GRAPH_ENGINES)("pixels by %s", (engine) => {
  const bytes = readFileSync(new URL(`../../../src/backends/graph/${GRAPH_BINARIES[engine]}`, import.meta.url));
  const opened = WebAssembly.compile(bytes).then(createGraphPixels);

  test("halves are the reference's", async () => {
    const pixels = await opened;
    fc.assert(
      fc.property(side, side, channels, seed, (width, height, samples, start) => {
        const raster = drawRaster(width, height, samples, start);
        expect(pixels.halve(raster)).toEqual(PLAIN_PIXELS.halve(raster));
      }),
      { numRuns: 200 },
    );
  });

  test("resized windows are the reference's", async () => {
    const pixels = await opened;
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        channels,
        seed,
        fc.boolean(),
        (width, height, wide, tall, samples, start, whole) => {
          const raster = drawRaster(width, height, samples, start);
          const random = createRandom(start + 1);
          const [x, y] = [Math.floor(random.next() * width), Math.floor(random.next() * height)];
          const right = 1 + Math.floor(random.next() * (width - x));
          const low = 1 + Math.floor(random.next() * (height - y));
          const window = whole ? undefined : { x, y, width: right, height: low };
          expect(pixels.resize(raster, wide, tall, window)).toEqual(PLAIN_PIXELS.resize(raster, wide, tall, window));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("pictures larger than a block of rows, both ways", async () => {
    const pixels = await opened;
    const raster = drawRaster(1201, 403, 3, 7);
    expect(hash(pixels.halve(raster).data)).toBe(hash(PLAIN_PIXELS.halve(raster).data));
    for (const [width, height] of [
      [512, 172],
      [512, 403],
      [1201, 90],
      [1300, 500],
    ] as const) {
      expect(hash(pixels.resize(raster, width, height))).toBe(hash(PLAIN_PIXELS.resize(raster, width, height)));
    }
  });
});

/** Comparing millions of values one by one takes a matcher minutes. */
function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
