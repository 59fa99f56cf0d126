import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { measureNesting, measureOverlap, suppressOverlaps } from "../../../../src/model/face-overlap.ts";
import { COARSE_MIN_SHARE, FACE_DETAILS, planFineLooks } from "../../../../src/model/face-levels.ts";
import type { Box, FaceFinder, FoundFace } from "../../../../src/model/face-finder.ts";
import type { DecodedImage } from "../../../../src/image/image-types.ts";
import { createHalves, cutRgb, fitRaster, resizeRgb } from "../../../../src/image/letterbox.ts";
import { preprocessTurned } from "../../../../src/image/upright.ts";
import { preprocessFace, squareOf } from "../../../../src/image/preprocess.ts";
import { cropFace, cropUpright, selectFaces } from "../../../../src/scoring/chunk/faces.ts";

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
  decoder: null,
};

function findAlways(faces: readonly FoundFace[]): FaceFinder {
  return { name: "fixed@1", find: () => Promise.resolve(faces), dispose: () => undefined };
}

const options = { minFacePixels: 30, minFaceScore: 0.4, faceDetail: "normal" } as const;

describe("which faces are scored", () => {
  const small = { box: square(10, 10, 14), score: 0.9 };
  const middle = { box: square(100, 100, 50), score: 0.8 };
  const large = { box: square(400, 400, 90), score: 0.5 };

  test("aligned takes the picture as it is, without a finder", async () => {
    const selection = await selectFaces(image, null, { mode: "aligned", ...options }, 1);
    expect(selection).toEqual({ kind: "faces", faces: [{ box: null, score: null, eyes: null, crop: null }] });
  });

  test("all gives boxes in original pixels, crops in the raster's, best first, without the small", async () => {
    const selection = await selectFaces(image, findAlways([small, middle, large]), { mode: "all", ...options }, 1);
    expect(selection).toEqual({
      kind: "faces",
      faces: [
        { box: square(200, 200, 100), score: 0.8, eyes: null, crop: cropFace(middle.box) },
        { box: square(800, 800, 180), score: 0.5, eyes: null, crop: cropFace(large.box) },
      ],
    });
  });

  test("largest gives one", async () => {
    const selection = await selectFaces(image, findAlways([small, middle, large]), { mode: "largest", ...options }, 1);
    expect(selection.kind === "faces" && selection.faces.map(({ score }) => score)).toEqual([0.5]);
  });

  test("largest is not a face that is too narrow, be its area as it may", async () => {
    const narrow = { box: { x: 0, y: 0, width: 14, height: 40 }, score: 0.9 };
    const whole = { box: square(100, 100, 20), score: 0.8 };
    const selection = await selectFaces(image, findAlways([narrow, whole]), { mode: "largest", ...options }, 1);
    expect(selection.kind === "faces" && selection.faces.map(({ score }) => score)).toEqual([0.8]);
  });

  test("auto takes small pictures as they are, and the largest face of others", async () => {
    const finder = findAlways([small, middle, large]);
    const selection = await selectFaces(image, finder, { mode: "auto", ...options }, 1);
    expect(selection.kind === "faces" && selection.faces.map(({ score }) => score)).toEqual([0.5]);
    const whole = { kind: "faces", faces: [{ box: null, score: null, eyes: null, crop: null }] };
    for (const [side, expected] of [
      [96, true],
      [97, false],
    ] as const) {
      // A photograph that was decoded smaller is judged by its own size.
      const crop = { ...image, sourceWidth: side, sourceHeight: 48, scale: 1 };
      const taken = await selectFaces(crop, finder, { mode: "auto", ...options }, 1);
      expect(JSON.stringify(taken) === JSON.stringify(whole)).toBe(expected);
    }
  });

  test("the search is told what is wanted, in pixels of the raster", async () => {
    const asked: unknown[] = [];
    const finder: FaceFinder = {
      ...findAlways([]),
      find: (_, wanted) => {
        asked.push(wanted);
        return Promise.resolve([]);
      },
    };
    for (const mode of ["auto", "largest", "all"] as const) await selectFaces(image, finder, { mode, ...options }, 1);
    const wanted = { minScore: 0.4, minFacePixels: 15, detail: "normal" };
    expect(asked).toEqual([
      { ...wanted, largestOnly: true },
      { ...wanted, largestOnly: true },
      { ...wanted, largestOnly: false },
    ]);
  });

  test("version 3 turns the square as the eyes are, about their middle, from five degrees on", () => {
    const box = square(100, 100, 50);
    const level = [
      { x: 115, y: 118 },
      { x: 135, y: 118 },
    ] as const;
    const upright = cropUpright(box, level);
    if ("across" in upright) throw new Error("the square is turned");
    expect(upright.x).toBeCloseTo(96.5, 9);
    expect(upright.y).toBeCloseTo(96, 9);
    expect(upright.width).toBeCloseTo(57, 9);
    expect(upright.height).toBe(upright.width);
    const tilted = [level[0], { x: 135, y: 119 }] as const;
    expect(cropUpright(box, tilted)).not.toHaveProperty("across");
    const turned = cropUpright(box, [
      { x: 115, y: 108 },
      { x: 135, y: 128 },
    ]);
    if (!("across" in turned)) throw new Error("the square is not turned");
    expect(turned.across.x).toBeCloseTo(Math.SQRT1_2, 12);
    expect(turned.across.y).toBeCloseTo(Math.SQRT1_2, 12);
    // 6.5 pixels below the eyes, along the face.
    expect(turned).toMatchObject({ middle: { x: 120, y: 123 }, side: 57 });
  });

  test("no face is a value, and so is one that is too small", async () => {
    expect(await selectFaces(image, findAlways([]), { mode: "all", ...options }, 1)).toEqual({ kind: "no_face" });
    const selection = await selectFaces(image, findAlways([small]), { mode: "largest", ...options }, 1);
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
      fc.property(anyFaces, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (found, threshold) => {
        const faces = found.toSorted((a, b) => b.score - a.score);
        const kept = suppressOverlaps(faces, threshold);
        const places = kept.map((face) => faces.indexOf(face));
        expect(places).not.toContain(-1);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        const overlaps = (a: FoundFace, b: FoundFace): boolean => measureOverlap(a.box, b.box) > threshold;
        expect(kept.every((a) => kept.every((b) => a === b || !overlaps(a, b)))).toBe(true);
        const dropped = faces.filter((face) => !kept.includes(face));
        expect(dropped.every((face) => kept.some((a) => a.score >= face.score && overlaps(a, face)))).toBe(true);
      }),
    );
  });

  test("nesting is the share of the smaller box in the other", () => {
    expect(measureNesting(square(0, 0, 100), square(90, 0, 20))).toBe(0.5);
    expect(measureNesting(square(90, 0, 20), square(0, 0, 100))).toBe(0.5);
    expect(measureNesting(square(0, 0, 10), square(10, 0, 10))).toBe(0);
  });
});

describe("looks follow the picture", () => {
  test.each([
    [64, 24, "normal", []],
    [128, 24, "normal", [128]],
    [128, 24, "fine", [256]],
    [350, 24, "normal", [350]],
    [350, 48, "normal", [175]],
    [1024, 24, "normal", [512]],
    [1024, 24, "fine", [2048, 256]],
    [1024, 96, "fine", [512]],
    [6000, 24, "normal", [512]],
    [300, 90, "fine", []],
  ] as const)("%i pixels, faces from %i, %s", (longSide, minFacePixels, detail, sizes) => {
    expect(planFineLooks(longSide, detail, minFacePixels)).toEqual(sizes);
  });

  test("every face worth finding is seen by a look, at twenty or more pixels unless the bound on cost forbids", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8000 }),
        fc.constantFrom(...FACE_DETAILS),
        fc.integer({ min: 1, max: 4096 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (longSide, detail, minFacePixels, place) => {
          const face = minFacePixels + place * Math.max(0, longSide - minFacePixels);
          const looks = planFineLooks(longSide, detail, minFacePixels);
          if (face > longSide || face >= COARSE_MIN_SHARE * longSide) return;
          const bound = detail === "normal" ? 512 : 2048;
          expect(Math.max(...looks)).toBeLessThanOrEqual(bound);
          const seen = looks.map((size) => (face * size) / longSide);
          expect(seen.some((pixels) => pixels <= 112 || (looks.length === 1 && pixels <= 150))).toBe(true);
          expect(looks[0] === bound || Math.max(...seen) > 20).toBe(true);
        },
      ),
    );
  });
});

describe("geometry", () => {
  const gray = fc
    .record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 70 }), seed: fc.nat(255) })
    .map(({ width, height, seed }) => ({
      width,
      height,
      channels: 1 as const,
      data: Uint8Array.from({ length: width * height }, (_, i) => (i * 7 + seed) & 255),
    }));

  test("any box of any picture gives 2304 bytes between the darkest and the brightest pixel", () => {
    fc.assert(
      fc.property(gray, fc.option(anyBox), (raster, box) => {
        const face = preprocessFace(raster, box);
        expect(face.length).toBe(2304);
        expect(Math.min(...face)).toBeGreaterThanOrEqual(Math.min(...raster.data));
        expect(Math.max(...face)).toBeLessThanOrEqual(Math.max(...raster.data));
        expect(squareOf(raster, box).side).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  test("a turned square of 48 pixels, not turned, is the picture; turned by a quarter it is the picture turned", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2304, maxLength: 2304 }), (data) => {
        const raster = { width: 48, height: 48, channels: 1 as const, data };
        const middle = { x: 24, y: 24 };
        expect(preprocessTurned(raster, { middle, side: 48, across: { x: 1, y: 0 } })).toEqual(data);
        const quarter = preprocessTurned(raster, { middle, side: 48, across: { x: 0, y: 1 } });
        for (let y = 0; y < 48; y++)
          for (let x = 0; x < 48; x++) expect(quarter[y * 48 + x]).toBe(data[x * 48 + 47 - y]);
      }),
      { numRuns: 10 },
    );
  });

  test("a turned square of any picture lies between its darkest and its brightest pixel", () => {
    const place = fc.integer({ min: -90, max: 200 });
    fc.assert(
      fc.property(
        gray,
        place,
        place,
        fc.integer({ min: 1, max: 150 }),
        fc.integer({ min: -60, max: 60 }),
        (raster, x, y, side, degrees) => {
          const across = { x: Math.cos((degrees * Math.PI) / 180), y: Math.sin((degrees * Math.PI) / 180) };
          const face = preprocessTurned(raster, { middle: { x, y }, side, across });
          expect(Math.min(...face)).toBeGreaterThanOrEqual(Math.min(...raster.data));
          expect(Math.max(...face)).toBeLessThanOrEqual(Math.max(...raster.data));
        },
      ),
    );
  });

  test("a 48×48 gray picture passes unchanged", () => {
    const data = Uint8Array.from({ length: 2304 }, (_, i) => (i * 31) & 255);
    expect(preprocessFace({ width: 48, height: 48, channels: 1, data }, null)).toEqual(data);
  });

  test("a cut keeps gray gray, the picture's pixels where they were, and gray around", () => {
    fc.assert(
      fc.property(gray, fc.integer({ min: 1, max: 96 }), anyBox, (raster, size, box) => {
        const fitted = fitRaster(raster, size);
        expect(Math.max(fitted.width, fitted.height)).toBe(size);
        expect(fitted.data.every((value, i) => value === fitted.data[i - (i % 3)])).toBe(true);
        const cut = cutRgb(fitted, box);
        expect(cut.length).toBe(box.width * box.height * 3);
        for (let i = 0; i < cut.length; i += 3) {
          const x = box.x + ((i / 3) % box.width);
          const y = box.y + Math.floor(i / 3 / box.width);
          const isInside = x >= 0 && y >= 0 && x < fitted.width && y < fitted.height;
          expect(cut[i]).toBe(isInside ? fitted.data[(y * fitted.width + x) * 3] : 128);
        }
      }),
    );
  });

  test("halves are means, as small as asked for and no smaller", () => {
    fc.assert(
      fc.property(gray, fc.integer({ min: 1, max: 96 }), (raster, size) => {
        const find = createHalves(raster);
        const half = find(size);
        const side = Math.max(half.width, half.height);
        expect(half.data.length).toBe(half.width * half.height);
        expect(half === raster || side >= size).toBe(true);
        expect(side).toBeLessThan(2 * size);
        expect(find(size)).toBe(half);
        expect(Math.min(...half.data)).toBeGreaterThanOrEqual(Math.min(...raster.data));
        expect(Math.max(...half.data)).toBeLessThanOrEqual(Math.max(...raster.data));
      }),
    );
    const rgb = Uint8Array.from([0, 10, 20, 4, 14, 24, 99, 99, 99, 8, 18, 28, 12, 22, 32, 99, 99, 99]);
    const half = createHalves({ width: 3, height: 2, channels: 3, data: rgb })(1);
    expect(half).toEqual({ width: 1, height: 1, channels: 3, data: Uint8Array.from([6, 16, 26]) });
  });

  test("a window is resized as if it were cut out first", () => {
    fc.assert(
      fc.property(gray, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 40 }), (raster, a, b, size) => {
        const x = a % raster.width;
        const y = b % raster.height;
        const window = { x, y, width: raster.width - x, height: raster.height - y };
        const whole = { ...raster, channels: 3 as const, data: resizeRgb(raster, raster.width, raster.height) };
        const cut = { width: window.width, height: window.height, channels: 3 as const, data: cutRgb(whole, window) };
        expect(resizeRgb(raster, size, size, window)).toEqual(resizeRgb(cut, size, size));
      }),
    );
  });
});
