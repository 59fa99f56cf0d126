import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { measureOverlap, suppressOverlaps } from "../../../../src/model/face-grid.ts";
import { planFaceLevels } from "../../../../src/model/face-levels.ts";
import type { Box, FaceFinder, FoundFace } from "../../../../src/model/face-finder.ts";
import type { DecodedImage } from "../../../../src/image/image-types.ts";
import { fitRaster, padRgb } from "../../../../src/image/letterbox.ts";
import { preprocessFace, squareOf } from "../../../../src/image/preprocess.ts";
import { cropFace, selectFaces } from "../../../../src/scoring/chunk/faces.ts";

function square(x: number, y: number, side: number): Box {
  return { x, y, width: side, height: side };
}

/** A picture of 4000×3000 decoded at one half; the finder's boxes are in its raster. */
const image: DecodedImage = {
  raster: { width: 2000, height: 1500, channels: 1, data: new Uint8Array(3_000_000) },
  sourceWidth: 4000,
  sourceHeight: 3000,
  scale: 0.5,
  format: "jpeg",
};

function findAlways(faces: readonly FoundFace[]): FaceFinder {
  return { name: "fixed@1", find: () => Promise.resolve(faces), dispose: () => undefined };
}

const options = { minFacePixels: 30, minFaceScore: 0.4 };

describe("which faces are scored", () => {
  const small = { box: square(10, 10, 14), score: 0.9 };
  const middle = { box: square(100, 100, 50), score: 0.8 };
  const large = { box: square(400, 400, 90), score: 0.5 };

  test("aligned takes the picture as it is, without a finder", async () => {
    const selection = await selectFaces(image, null, { mode: "aligned", ...options });
    expect(selection).toEqual({ kind: "faces", faces: [{ box: null, score: null, crop: null }] });
  });

  test("all gives boxes in original pixels, crops in the raster's, best first, without the small", async () => {
    const selection = await selectFaces(image, findAlways([small, middle, large]), { mode: "all", ...options });
    expect(selection).toEqual({
      kind: "faces",
      faces: [
        { box: square(200, 200, 100), score: 0.8, crop: cropFace(middle.box) },
        { box: square(800, 800, 180), score: 0.5, crop: cropFace(large.box) },
      ],
    });
  });

  test("largest gives one", async () => {
    const selection = await selectFaces(image, findAlways([small, middle, large]), { mode: "largest", ...options });
    expect(selection.kind === "faces" && selection.faces.map(({ score }) => score)).toEqual([0.5]);
  });

  test("largest is not a face that is too narrow, be its area as it may", async () => {
    const narrow = { box: { x: 0, y: 0, width: 14, height: 40 }, score: 0.9 };
    const whole = { box: square(100, 100, 20), score: 0.8 };
    const selection = await selectFaces(image, findAlways([narrow, whole]), { mode: "largest", ...options });
    expect(selection.kind === "faces" && selection.faces.map(({ score }) => score)).toEqual([0.8]);
  });

  test("no face is a value, and so is one that is too small", async () => {
    expect(await selectFaces(image, findAlways([]), { mode: "all", ...options })).toEqual({ kind: "no_face" });
    const selection = await selectFaces(image, findAlways([small]), { mode: "largest", ...options });
    expect(selection).toEqual({ kind: "too_small", box: square(20, 20, 28), score: 0.9 });
  });
});

const anyBox = fc.record({
  x: fc.integer({ min: -50, max: 200 }),
  y: fc.integer({ min: -50, max: 200 }),
  width: fc.integer({ min: 1, max: 120 }),
  height: fc.integer({ min: 1, max: 120 }),
});

describe("suppression", () => {
  test("keeps a best-first subset in which no two overlap too much, and every other overlaps a better one", () => {
    const anyFaces = fc.array(fc.record({ box: anyBox, score: fc.double({ min: 0, max: 1, noNaN: true }) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(anyFaces, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (faces, threshold) => {
        const kept = suppressOverlaps(faces, threshold);
        expect(kept.every((face) => faces.includes(face))).toBe(true);
        expect(kept.map(({ score }) => score)).toEqual(kept.map(({ score }) => score).toSorted((a, b) => b - a));
        const overlaps = (a: FoundFace, b: FoundFace): boolean => measureOverlap(a.box, b.box) > threshold;
        expect(kept.every((a) => kept.every((b) => a === b || !overlaps(a, b)))).toBe(true);
        const dropped = faces.filter((face) => !kept.includes(face));
        expect(dropped.every((face) => kept.some((a) => a.score >= face.score && overlaps(a, face)))).toBe(true);
      }),
    );
  });

  test("a box inside another is the same face if nesting says so", () => {
    const outer = { box: square(0, 0, 100), score: 0.9 };
    const inner = { box: square(30, 30, 40), score: 0.8 };
    expect(suppressOverlaps([outer, inner], 0.4)).toEqual([outer, inner]);
    expect(suppressOverlaps([outer, inner], 0.4, 0.7)).toEqual([outer]);
  });
});

describe("levels follow the picture", () => {
  test.each([
    [1, [144, 128]],
    [128, [144, 128]],
    [287, [144, 128]],
    [288, [288, 144]],
    [600, [544, 144]],
    [1023, [544, 144]],
    [1024, [1024, 544, 144]],
    [5000, [1024, 544, 144]],
  ])("%i pixels", (longSide, sizes) => {
    expect(planFaceLevels(longSide).map(({ size }) => size)).toEqual(sizes);
  });

  test("every size of face, from a fortieth of the picture to all of it, belongs to a level", () => {
    for (const longSide of [1, 287, 288, 543, 544, 1023, 1024, 5000]) {
      const levels = planFaceLevels(longSide);
      for (let share = 0.025; share <= 1; share += 0.001) {
        expect(levels.some(({ minShare, maxShare }) => share >= minShare && share <= maxShare)).toBe(true);
      }
      // The coarsest level alone takes whatever fills the picture.
      expect(levels.filter(({ maxShare }) => maxShare === Infinity).map(({ size }) => size)).toContain(144);
    }
  });

  test("a bound on cost is kept", () => {
    expect(planFaceLevels(5000, 544).map(({ size }) => size)).toEqual([544, 144]);
    expect(planFaceLevels(5000, 100).map(({ size }) => size)).toEqual([144, 128]);
  });
});

describe("geometry", () => {
  const grey = fc
    .record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 70 }), seed: fc.nat(255) })
    .map(({ width, height, seed }) => ({
      width,
      height,
      channels: 1 as const,
      data: Uint8Array.from({ length: width * height }, (_, i) => (i * 7 + seed) & 255),
    }));

  test("any box of any picture gives 2304 bytes between the darkest and the brightest pixel", () => {
    fc.assert(
      fc.property(grey, fc.option(anyBox), (raster, box) => {
        const face = preprocessFace(raster, box);
        expect(face.length).toBe(2304);
        expect(Math.min(...face)).toBeGreaterThanOrEqual(Math.min(...raster.data));
        expect(Math.max(...face)).toBeLessThanOrEqual(Math.max(...raster.data));
        expect(squareOf(raster, box).side).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  test("a 48×48 grey picture passes unchanged", () => {
    const data = Uint8Array.from({ length: 2304 }, (_, i) => (i * 31) & 255);
    expect(preprocessFace({ width: 48, height: 48, channels: 1, data }, null)).toEqual(data);
  });

  test("a letterbox keeps grey grey and pads with black", () => {
    fc.assert(
      fc.property(grey, fc.integer({ min: 1, max: 96 }), (raster, size) => {
        const fitted = fitRaster(raster, size);
        expect(Math.max(fitted.width, fitted.height)).toBe(size);
        expect(fitted.data.every((value, i) => value === fitted.data[i - (i % 3)])).toBe(true);
        const padded = padRgb(fitted, size + 5, size + 9);
        expect(padded.length).toBe((size + 5) * (size + 9) * 3);
        expect(padded.reduce((sum, value) => sum + value, 0)).toBe(fitted.data.reduce((sum, value) => sum + value, 0));
      }),
    );
  });
});
