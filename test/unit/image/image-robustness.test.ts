import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { zlibSync } from "fflate";
import { describe, expect, test } from "vitest";
import { DISPOSITIONS, ScoringError } from "../../../src/errors.ts";
import { loadCodecs } from "../../../src/image/codecs-node.ts";
import { computeCrc32 } from "../../../src/image/png/crc32.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import { readHeader } from "../../../src/image/guard.ts";
import { chooseJpegReduction, chooseSearchReduction } from "../../../src/image/jpeg/jpeg-reduction.ts";
import type { ImageLimits } from "../../../src/image/image-types.ts";
import { sniffFormat } from "../../../src/image/sniff.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

const folder = new URL("../../golden/images/", import.meta.url);
const names = readdirSync(folder);
const files = new Map(names.map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]));
const codecs = await loadCodecs();
const decoder = createImageDecoder(codecs, LIMITS.image);

/** The code a picture ends with, or its size. */
async function outcome(bytes: Uint8Array, limits: ImageLimits = LIMITS.image): Promise<string> {
  try {
    const { raster } = await (limits === LIMITS.image ? decoder : createImageDecoder(codecs, limits)).decode(bytes);
    if (raster.data.length !== raster.width * raster.height * raster.channels) return "wrong length";
    return `${raster.width}×${raster.height}`;
  } catch (error) {
    if (error instanceof ScoringError) return error.code;
    return `threw ${String(error)}`;
  }
}

function readGolden(name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Error(`no golden ${name}`);
  return bytes;
}

function pngHeader(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(33);
  bytes.set(readGolden("rgb-48x48.png").subarray(0, 33));
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

/** A PNG of one gray pixel around `data`. */
function writePixel(data: Uint8Array): Uint8Array {
  const chunks: [string, Uint8Array][] = [
    ["IHDR", Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0)],
    ["IDAT", data],
    ["IEND", new Uint8Array(0)],
  ];
  const parts = chunks.map(([type, content]) => {
    const chunk = new Uint8Array(content.length + 12);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, content.length);
    chunk.set(text(type), 4);
    chunk.set(content, 8);
    view.setUint32(content.length + 8, computeCrc32(chunk.subarray(4, content.length + 8)));
    return chunk;
  });
  return new Uint8Array(Buffer.concat([readGolden("rgb-48x48.png").subarray(0, 8), ...parts]));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

const CONVERT = ": convert it, for example to JPEG";
const BY_SHARP = ", or score it with `countenance score` where sharp is installed (`npm install sharp`)";
const BY_LIBHEIF = ", or score it with `countenance score` where libheif-js is installed (`npm install libheif-js`)";

/** A file type box with these brands, the major one first. */
function ftyp(...brands: readonly string[]): Uint8Array {
  const [major, ...compatible] = brands;
  return text(`\0\0\0${String.fromCharCode(16 + 4 * compatible.length)}ftyp${major}\0\0\0\0${compatible.join("")}`);
}

describe("refusals", () => {
  test.each([
    ["GIF", text("GIF89a......"), "a GIF image", `${CONVERT}${BY_SHARP}`],
    ["BMP", text("BM..........."), "a BMP image", CONVERT],
    ["TIFF", new Uint8Array([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0]), "a TIFF image", `${CONVERT}${BY_SHARP}`],
    ["HEIC", ftyp("heic", "mif1", "miaf", "heic"), "a HEIC image", `${CONVERT}${BY_LIBHEIF}`],
    ["HEIC cut behind its brand", text("\0\0\0\u0018ftypheix"), "a HEIC image", `${CONVERT}${BY_LIBHEIF}`],
    ["a sequence of HEVC", ftyp("hevc", "msf1"), "a HEIC image", `${CONVERT}${BY_LIBHEIF}`],
    ["HEIC by a compatible brand", ftyp("mif1", "miaf", "heix"), "a HEIC image", `${CONVERT}${BY_LIBHEIF}`],
    ["HEIF of an unnamed codec", ftyp("mif1", "miaf"), "a HEIF image", `${CONVERT}${BY_LIBHEIF}`],
    ["AVIF", ftyp("avif", "mif1", "miaf"), "an AVIF image", `${CONVERT}${BY_SHARP}`],
    ["AVIF by a compatible brand", ftyp("mif1", "miaf", "avif"), "an AVIF image", `${CONVERT}${BY_SHARP}`],
    ["a video", ftyp("isom", "mp41", "heic"), "an MP4 or QuickTime file"],
    ["PDF", text("%PDF-1.7"), "a PDF document"],
    ["SVG", text("  <svg xmlns='x'/>"), "an SVG drawing"],
    ["HTML", text("<!DOCTYPE html><p>"), "an HTML page"],
    ["JSON", text('{"a":1}'), "JSON text"],
    ["text", text("not a picture\n"), "text"],
    ["nothing known", new Uint8Array([1, 2, 3, 4]), "an unknown binary format"],
  ])("%s is named", async (_, bytes, looksLike, advice = "") => {
    expect(sniffFormat(bytes)).toMatchObject({ kind: "other", looksLike });
    expect(await outcome(bytes)).toBe("image_unsupported");
    const refusal = new ScoringError("image_unsupported", `looks like ${looksLike}, not JPEG, PNG or WebP${advice}`);
    expect(() => readHeader(bytes)).toThrow(refusal);
  });

  test("no bytes", async () => expect(await outcome(new Uint8Array(0))).toBe("object_empty"));

  test("a 30,000 × 30,000 header", async () => {
    expect(await outcome(pngHeader(30_000, 30_000))).toBe("image_too_many_pixels");
    expect(await outcome(pngHeader(1, 70_000))).toBe("image_too_many_pixels");
    expect(await outcome(pngHeader(0, 5))).toBe("image_corrupt");
  });

  test("a PNG's data behind its last row are not looked at, many or few", async () => {
    for (const surplus of [0, 1, 1000, 300_000, 3_000_000]) {
      // Stored, not deflated: inflating it whole into the picture's own array fails.
      const data = zlibSync(new Uint8Array(2 + surplus), { level: 0 });
      expect(await outcome(writePixel(data)), `${surplus}`).toBe("1×1");
      // Damage there is not seen either, since reading has ended: what it inflates to costs nothing.
      expect(await outcome(writePixel(data.fill(0xff, 150_000))), `${surplus}, damaged`).toBe("1×1");
    }
    expect(await outcome(writePixel(zlibSync(new Uint8Array(1))))).toBe("image_corrupt");
    expect(await outcome(writePixel(new Uint8Array(20).fill(0xff)))).toBe("image_corrupt");
  });

  test("a progressive JPEG that would not fit in memory", async () => {
    const bytes = readGolden("420-progressive-61x83.jpg").slice();
    const frame = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc2);
    new DataView(bytes.buffer).setUint16(frame + 5, 8000);
    new DataView(bytes.buffer).setUint16(frame + 7, 8000);
    expect(await outcome(bytes)).toBe("image_too_many_pixels");
  });

  test("more bytes, pixels or scans than allowed", async () => {
    const jpeg = readGolden("grey-progressive.jpg");
    expect(await outcome(jpeg, { ...LIMITS.image, maxBytes: 100 })).toBe("object_too_large");
    const maxPixels = { ...LIMITS.image.maxPixels, jpeg: 61 * 83 - 1 };
    expect(await outcome(jpeg, { ...LIMITS.image, maxPixels })).toBe("image_too_many_pixels");
    expect(await outcome(jpeg, { ...LIMITS.image, maxScans: 2 })).toBe("image_corrupt");
  });

  test.each(names)("%s cut anywhere is truncated, never scored", async (name) => {
    const bytes = readGolden(name);
    // The last 12 bytes of a PNG only say that it ends.
    const length = name.endsWith(".png") ? bytes.length - 12 : bytes.length;
    for (const share of [0.02, 0.3, 0.6, 0.9, 0.98]) {
      const cut = await outcome(bytes.subarray(0, Math.max(12, Math.floor(length * share))));
      // What follows the default image of an animated PNG is not needed, and `eXIf` may be missed.
      if (["animated.png", "orientation-8-behind.png"].includes(name) && /^\d+×\d+$/.test(cut)) continue;
      expect(cut, `${name} at ${share}`).toBe("image_truncated");
    }
  });
});

describe("properties", () => {
  const anyGolden = fc.constantFrom(...names);
  const itemCode = /^\d+×\d+$/;
  const isAllowed = (result: string): boolean =>
    itemCode.test(result) || Object.entries(DISPOSITIONS).some(([code, who]) => code === result && who === "item");

  test("mutated files end in pixels or an item's code, and the next picture decodes", async () => {
    const mutation = fc.record({
      at: fc.nat(),
      value: fc.nat(255),
      kind: fc.constantFrom("set", "flip", "drop", "insert"),
    });
    await fc.assert(
      fc.asyncProperty(anyGolden, fc.array(mutation, { minLength: 1, maxLength: 8 }), async (name, mutations) => {
        const bytes = [...readGolden(name)];
        for (const { at, value, kind } of mutations) {
          const place = at % bytes.length;
          if (kind === "set") bytes[place] = value;
          else if (kind === "flip") bytes[place] = bytes[place]! ^ (1 << (value & 7));
          else if (kind === "drop") bytes.splice(place, 1 + (value & 15));
          else bytes.splice(place, 0, value, value);
        }
        const result = await outcome(Uint8Array.from(bytes));
        expect(result).toSatisfy(isAllowed);
        expect(await outcome(readGolden(`rgb-48x48.png`))).toBe("48×48");
        expect(await outcome(readGolden(`q90-47x49.jpg`))).toBe("47×49");
        expect(await outcome(readGolden(`lossless.webp`))).toBe("61×83");
      }),
      { numRuns: 1500 },
    );
  });

  test("random bytes after any signature", async () => {
    const start = fc.constantFrom(
      [0xff, 0xd8, 0xff],
      [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52],
      [0x52, 0x49, 0x46, 0x46, 90, 0, 0, 0, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38],
      [],
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 300 }), async (head, tail) => {
        expect(await outcome(Uint8Array.from([...head, ...tail]))).toSatisfy(isAllowed);
      }),
      { numRuns: 1500 },
    );
  });

  test("a reduced JPEG keeps at least a megapixel, and never more than four unless nothing smaller exists", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }), (width, height) => {
        const denominator = chooseJpegReduction(width, height);
        const pixels = Math.ceil(width / denominator) * Math.ceil(height / denominator);
        const isFullScale = denominator === 1 && width * height <= 4_000_000;
        const isReduced = denominator > 1 && pixels >= 1_000_000 && (denominator === 8 || pixels <= 4_100_000);
        expect(isFullScale || isReduced).toBe(true);
        // Where faces are searched: never finer, and coarser only where 960 pixels are left.
        const search = chooseSearchReduction(width, height);
        expect(search === denominator || Math.max(width, height) / search >= 960).toBe(true);
        expect(search).toBeGreaterThanOrEqual(denominator);
      }),
    );
  });
});

test("decodes one picture at a time, however many are asked for", async () => {
  const results = await Promise.all(names.map((name) => outcome(readGolden(name))));
  expect(results.every((result) => /^\d+×\d+$/.test(result))).toBe(true);
});

test("wasm memory does not grow over many pictures, good and bad", async () => {
  const bad = readGolden("420-351x203.jpg").subarray(0, 3000);
  const round = async (): Promise<void> => {
    for (const name of names) await outcome(readGolden(name));
    await outcome(bad);
  };
  await round();
  const before = decoder.memoryBytes();
  for (let i = 0; i < 20; i++) await round();
  expect(decoder.memoryBytes()).toBeLessThanOrEqual(before);
});
