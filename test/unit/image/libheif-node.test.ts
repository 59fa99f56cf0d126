import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import { DISPOSITIONS, ScoringError } from "../../../src/errors.ts";
import { loadCodecs } from "../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import type { ImageLimits } from "../../../src/image/image-types.ts";
import { loadOptionalDecoder } from "../../../src/image/optional-node.ts";
import { createScorer } from "../../../src/library/node.ts";
import type { Raster } from "../../../src/model/face-finder.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { decodeBase64 } from "../../golden/images.ts";
import { readBlocks } from "../../golden/heic-blocks.ts";

/** HEIC files by `heif-enc` against what `heif-convert` made of them, and against the picture that was encoded. */

const root = join(import.meta.dirname, "../../..");
const golden = join(root, "test/golden");
const portrait = join(root, "node_modules/tabler-ui/dist/demo/faces/female/1.jpg");
const NAME = "libheif-js@1.23.2";
const codecs = await loadCodecs();
const decoder = createImageDecoder(codecs, LIMITS.image, loadOptionalDecoder);

interface HeicGolden {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly blocks: string;
}

const { pictures } = JSON.parse(await readFile(join(golden, "heic.json"), "utf8")) as {
  readonly pictures: readonly HeicGolden[];
};

const read = (name: string): Promise<Buffer> => readFile(join(golden, "heic", `${name}.heic`));
const [plain, grid] = [await read("plain"), await read("grid")];

/** The code a picture ends with and why, or its size. */
async function outcome(bytes: Uint8Array, limits: Partial<ImageLimits> = {}): Promise<string> {
  try {
    const own = createImageDecoder(codecs, { ...LIMITS.image, ...limits }, loadOptionalDecoder);
    const { raster } = await own.decode(bytes);
    expect(raster.data.length).toBe(raster.width * raster.height * raster.channels);
    return `${raster.width}×${raster.height}`;
  } catch (error) {
    return error instanceof ScoringError ? error.message : `threw ${String(error)}`;
  }
}

/** A copy in which the bytes `from`, which it has once, are `to`. */
function patch(file: Buffer, from: readonly number[], to: readonly number[]): Buffer {
  const copy = Buffer.from(file);
  const at = copy.indexOf(Uint8Array.from(from));
  expect([at > 0, copy.indexOf(Uint8Array.from(from), at + 1)]).toEqual([true, -1]);
  copy.set(to, at);
  return copy;
}

/** An `ispe` box from its name on. */
function ispe(width: number, height: number): readonly number[] {
  const box = Buffer.from("ispe\0\0\0\0--------", "latin1");
  box.writeUInt32BE(width, 8);
  box.writeUInt32BE(height, 12);
  return [...box];
}

/** Mean difference of two pictures of one size, in gray levels. */
function differ(one: Raster, other: Raster): number {
  expect([one.width, one.height, one.channels]).toEqual([other.width, other.height, other.channels]);
  const sum = one.data.reduce((total, value, at) => total + Math.abs(value - other.data[at]!), 0);
  return sum / one.data.length;
}

async function toRaster(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.removeAlpha().toColorspace("srgb").raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, data };
}

describe("a HEIC", () => {
  it.each(pictures)("has the pixels that heif-convert gives: $name", async ({ name, width, height, blocks }) => {
    const { raster, ...rest } = await decoder.decode(await read(name));
    expect(rest).toEqual({ sourceWidth: width, sourceHeight: height, scale: 1, format: "heic", decoder: NAME });
    expect([raster.width, raster.height, raster.channels]).toEqual([width, height, 3]);
    const theirs = decodeBase64(blocks);
    const ours = readBlocks(raster);
    expect(ours.length).toBe(theirs.length);
    expect(Math.max(...ours.map((value, at) => Math.abs(value - theirs[at]!)))).toBeLessThanOrEqual(2);
  });

  it("is turned once, by its own boxes, and its tiles lie where they belong", async () => {
    const upright = await toRaster(sharp(portrait));
    expect(differ((await decoder.decode(plain)).raster, upright)).toBeLessThan(4);
    // The standard has readers leave EXIF's orientation alone: telephones write it beside the box that turns.
    expect(differ((await decoder.decode(await read("exif-alone"))).raster, upright)).toBeLessThan(4);
    const part = sharp(portrait).extract({ left: 0, top: 0, width: 120, height: 100 });
    expect(differ((await decoder.decode(grid)).raster, await toRaster(part))).toBeLessThan(4);
    const clockwise = await toRaster(sharp(await part.png().toBuffer()).rotate(90));
    expect(differ((await decoder.decode(await read("telephone"))).raster, clockwise)).toBeLessThan(4);
    const counterclockwise = sharp(await part.png().toBuffer()).rotate(270);
    const mirrored = sharp(await counterclockwise.png().toBuffer()).flop();
    const { raster } = await decoder.decode(await read("grid-turned-mirrored"));
    expect(differ(raster, await toRaster(mirrored))).toBeLessThan(4);
  });

  it("has the face and the label of the same picture as JPEG", async () => {
    const scorer = await createScorer({ faces: "largest" });
    const [jpeg, heic] = [await scorer.score(portrait), await scorer.score(plain)].map(([record]) => record!);
    expect([heic!.status, heic!.label, heic!.decoder]).toEqual(["scored", jpeg!.label, NAME]);
    const shift = Object.entries(jpeg!.probabilities!).map(([label, p]) => Math.abs(p - heic!.probabilities![label]!));
    expect(Math.max(...shift)).toBeLessThan(0.15);
    scorer.dispose();
  });
});

describe("refusals", () => {
  it("a file that ends early", async () => {
    for (const share of [0.01, 0.1, 0.95]) {
      for (const file of [plain, grid]) {
        const cut = file.subarray(0, Math.floor(file.length * share));
        expect(await outcome(cut)).toMatch(/^image_corrupt: libheif: Invalid input: /);
      }
    }
  });

  it("more bytes, pixels or memory than allowed", async () => {
    expect(await outcome(plain, { maxHeifPixels: 128 * 128 })).toBe("128×128");
    expect(await outcome(plain, { maxHeifPixels: 128 * 128 - 1 })).toMatch(/^image_too_many_pixels: 128×128 HEIC/);
    expect(await outcome(plain, { maxBytes: 100 })).toMatch(/^object_too_large/);
    expect(await outcome(plain, { maxHeifBytes: 20_000 })).toMatch(/^image_too_many_pixels: .* 20000 bytes/);
  });

  it("a file of a few kilobytes that says 60,000 pixels square", async () => {
    const says = (file: Buffer, width: number, height: number): Buffer =>
      patch(file, ispe(width, height), ispe(60_000, 60_000));
    expect(await outcome(says(plain, 128, 128))).toMatch(/^image_too_many_pixels: 60000×60000 HEIC/);
    const grown = patch(grid, [0, 0, 1, 1, 0, 120, 0, 100], [0, 0, 1, 1, 0xea, 0x60, 0xea, 0x60]);
    expect(await outcome(grown)).toMatch(/^image_too_many_pixels: libheif: /);
    expect(await outcome(says(grown, 120, 100))).toMatch(/^image_too_many_pixels: 60000×60000 HEIC/);
  });

  it("a coded picture that is larger than its file says", async () => {
    const small = patch(plain, ispe(128, 128), ispe(64, 64));
    expect(await outcome(small)).toMatch(/^image_corrupt: libheif: Invalid input: Invalid image size/);
    expect(await outcome(small, { maxHeifPixels: 64 * 64 })).toMatch(/^image_too_many_pixels: libheif: /);
  });

  it("a grid of which one tile cannot be decoded, or that is part of itself", async () => {
    const broken = Buffer.from(grid);
    const start = broken.indexOf("mdat") + 4;
    broken.fill(0, start, start + 300);
    expect(await outcome(broken)).toMatch(/^image_corrupt: libheif: Decoder plugin generated an error/);
    const dimg = [...Buffer.from("dimg"), 0, 5, 0, 4, 0, 1];
    expect(await outcome(patch(grid, dimg, [...dimg.slice(0, -1), 5]))).toMatch(/^image_corrupt: .*cycle/);
    const many = patch(grid, [0, 0, 1, 1, 0, 120, 0, 100], [0, 0, 255, 255, 0, 120, 0, 100]);
    expect(await outcome(many)).toMatch(/^image_corrupt: .*65536 tiles/);
  });

  it("one that takes too long, and the next picture decodes", async () => {
    expect(await outcome(plain, { maxHeifSeconds: 0.001 })).toBe(
      "image_corrupt: libheif: not decoded within 0.001 seconds",
    );
    expect(await outcome(plain)).toBe("128×128");
  });

  it("mutated files end in pixels or an item's code", { timeout: 120_000 }, async () => {
    // Mostly of the boxes before the coded data: what these say is what libheif follows.
    const mutation = fc.record({ at: fc.oneof(fc.nat(700), fc.nat()), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(plain, grid),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        async (original, mutations) => {
          const bytes = Uint8Array.from(original);
          for (const { at, value } of mutations) bytes[at % bytes.length] = value;
          const [code] = (await outcome(bytes)).split(":");
          const isItems = Object.entries(DISPOSITIONS).some(([known, who]) => known === code && who === "item");
          expect(isItems ? "0×0" : code).toMatch(/^\d+×\d+$/);
        },
      ),
      { numRuns: 24, seed: 20_261 },
    );
    expect(await outcome(plain)).toBe("128×128");
  });
});

it("is absent where the package is not installed, and a broken one is no fault of the picture", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countenance-no-libheif-"));
  try {
    for (const name of ["errors.ts", "image", "model"]) {
      await cp(join(root, "src", name), join(folder, "src", name), { recursive: true });
    }
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    const code = `const { loadOptionalDecoder } = await import("./src/image/optional-node.ts");
      console.log(await loadOptionalDecoder("heic").catch(({ message }) => message));`;
    const load = async (): Promise<string> =>
      (await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], { cwd: folder })).stdout;
    expect(await load()).toBe("null\n");
    const installed = join(folder, "node_modules/libheif-js");
    await mkdir(join(installed, "libheif-wasm"), { recursive: true });
    await writeFile(join(installed, "package.json"), '{"version":"1.23.2"}');
    await writeFile(join(installed, "libheif-wasm/libheif.wasm"), "half of a file");
    expect(await load()).toMatch(/^image_unsupported: libheif-js is installed and cannot be loaded: CompileError/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
