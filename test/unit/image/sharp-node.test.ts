import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
import { loadSharp } from "../../../src/image/sharp-node.ts";
import { createScorer } from "../../../src/library/node.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

/** Pictures that `sharp` decodes against the same ones as PNG, which our own reader decodes. */

const root = join(import.meta.dirname, "../../..");
const NAME = `sharp@${sharp.versions.sharp}+libvips@${sharp.versions.vips}`;
const codecs = await loadCodecs();
const decoder = createImageDecoder(codecs, LIMITS.image, loadSharp);

const [width, height] = [61, 47];

function draw(channels: 1 | 3 | 4): Sharp {
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => (at * 37 + (at >> 6) * 11) % 251);
  return sharp(data, { raw: { width, height, channels } });
}

function drawDeep(space: "rgb16" | "grey16"): Sharp {
  const channels = space === "rgb16" ? 3 : 1;
  const data = Uint16Array.from({ length: width * height * channels }, (_, at) => (at * 977) % 65_536);
  return sharp(data, { raw: { width, height, channels } }).toColorspace(space);
}

const turned = (): Sharp => draw(3).withMetadata({ orientation: 6 });

const PICTURES: readonly (readonly [string, () => Sharp])[] = [
  ["color", () => draw(3)],
  ["gray", () => draw(1).toColorspace("b-w")],
  ["color with alpha", () => draw(4)],
  ["16-bit color", () => drawDeep("rgb16")],
  ["16-bit gray", () => drawDeep("grey16")],
  ["color with a profile that is not sRGB", () => draw(3).withIccProfile("p3")],
  ...[2, 3, 4, 5, 6, 7, 8].map(
    (orientation) => [`orientation ${orientation}`, () => draw(3).withMetadata({ orientation })] as const,
  ),
];

/** Colors alone: a gray PNG has one channel, `sharp` gives three. */
function toRgb({ channels, data }: { readonly channels: number; readonly data: Uint8Array }): readonly number[] {
  return channels === 3 ? [...data] : [...data].flatMap((value) => [value, value, value]);
}

/** The code a picture ends with, or its size. */
async function outcome(bytes: Uint8Array, limits: ImageLimits = LIMITS.image): Promise<string> {
  try {
    const { raster } = await createImageDecoder(codecs, limits, loadSharp).decode(bytes);
    return raster.data.length === raster.width * raster.height * raster.channels ? "pixels" : "wrong length";
  } catch (error) {
    return error instanceof ScoringError ? error.code : `threw ${String(error)}`;
  }
}

/** Gray, in one strip behind the directory: `sharp` itself writes directories last. */
function writeTiff(pixels: Uint8Array): Uint8Array {
  const entries = [
    [256, width],
    [257, height],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8 + 2 + 12 * 8 + 4],
    [278, height],
    [279, pixels.length],
  ] as const;
  const head = Buffer.alloc(8 + 2 + 12 * entries.length + 4);
  head.write("II*\0", "latin1");
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(entries.length, 8);
  for (const [at, [tag, value]] of entries.entries()) {
    head.writeUInt16LE(tag, 10 + 12 * at);
    head.writeUInt16LE(4, 12 + 12 * at);
    head.writeUInt32LE(1, 14 + 12 * at);
    head.writeUInt32LE(value, 18 + 12 * at);
  }
  return new Uint8Array(Buffer.concat([head, pixels]));
}

const FILES = {
  gif: await draw(3).gif().toBuffer(),
  tiff: await draw(3).tiff({ compression: "lzw" }).toBuffer(),
  tiled: await draw(3).tiff({ compression: "deflate", tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
  avif: await draw(3).avif().toBuffer(),
};

describe("a TIFF", () => {
  it.each(PICTURES)("has the pixels of the PNG: %s", async (_, make) => {
    const ours = await decoder.decode(await make().png().toBuffer());
    const theirs = await decoder.decode(await make().tiff({ compression: "lzw" }).toBuffer());
    const { sourceWidth, sourceHeight, scale, raster } = ours;
    expect(theirs).toMatchObject({ sourceWidth, sourceHeight, scale, format: "tiff", decoder: NAME });
    expect([theirs.raster.width, theirs.raster.height]).toEqual([raster.width, raster.height]);
    expect(toRgb(theirs.raster)).toEqual(toRgb(raster));
  });
});

describe("an AVIF", () => {
  it("is turned once, by its own boxes", async () => {
    const ours = await decoder.decode(await turned().png().toBuffer());
    const theirs = await decoder.decode(await turned().avif({ lossless: true }).toBuffer());
    expect(theirs).toMatchObject({ sourceWidth: height, sourceHeight: width, format: "avif", decoder: NAME });
    expect(toRgb(theirs.raster)).toEqual(toRgb(ours.raster));
  });
});

describe("a GIF", () => {
  it("gives its first frame", async () => {
    const frame = (background: string): Promise<Buffer> =>
      sharp({ create: { width, height, channels: 3, background } })
        .png()
        .toBuffer();
    const frames = [await frame("#102030"), await frame("#ffffff")];
    const { raster, decoder: by } = await decoder.decode(
      await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
    );
    expect([raster.width, raster.height, by]).toEqual([width, height, NAME]);
    expect([...new Set(raster.data)]).toEqual([0x10, 0x20, 0x30]);
  });
});

describe("records", () => {
  it("are those of the PNG but for who decoded it, of lossless files; near them of lossy ones", async () => {
    const scorer = await createScorer({ faces: "largest" });
    const portrait = await readFile(join(root, "node_modules/tabler-ui/dist/demo/faces/female/1.jpg"));
    const gray = await sharp(portrait).toColorspace("b-w").png().toBuffer();
    const score = async (picture: Uint8Array) => {
      const [record] = await scorer.score({ picture, id: "one" });
      return { ...record!, etag: "" };
    };
    const own = await score(gray);
    expect(own.status).toBe("scored");
    expect(own.decoder).toBeUndefined();
    // 256 grays are a palette without loss.
    const lossless = [sharp(gray).tiff({ compression: "deflate" }), sharp(gray).gif({ dither: 0, colors: 256 })];
    for (const file of lossless) expect(await score(await file.toBuffer())).toEqual({ ...own, decoder: NAME });
    const near = await score(await sharp(gray).avif({ quality: 90 }).toBuffer());
    expect([near.label, near.decoder]).toEqual([own.label, NAME]);
    const shift = Object.entries(own.probabilities!).map(([label, p]) => Math.abs(p - near.probabilities![label]!));
    expect(Math.max(...shift)).toBeLessThan(0.1);
    scorer.dispose();
  });
});

describe("refusals", () => {
  it.each(Object.entries(FILES))("a %s that ends early", async (_, bytes) => {
    for (const share of [0.1, 0.4, 0.7, 0.95]) {
      expect(await outcome(bytes.subarray(0, Math.floor(bytes.length * share))), `${share}`).toBe("image_corrupt");
    }
  });

  it.each(Object.entries(FILES))("a %s of more bytes or pixels than allowed", async (_, bytes) => {
    expect(await outcome(bytes, { ...LIMITS.image, maxSharpPixels: width * height })).toBe("pixels");
    const fewer = { ...LIMITS.image, maxSharpPixels: width * height - 1 };
    expect(await outcome(bytes, fewer)).toBe("image_too_many_pixels");
    expect(await outcome(bytes, { ...LIMITS.image, maxBytes: 100 })).toBe("object_too_large");
  });

  it("a TIFF whose directory comes first and whose rows end early", async () => {
    const whole = writeTiff(new Uint8Array(width * height).fill(99));
    expect(await outcome(whole)).toBe("pixels");
    expect(await outcome(whole.subarray(0, -width))).toBe("image_corrupt");
  });

  it("a GIF of a few hundred bytes that says 60,000 pixels square", async () => {
    const bytes = Buffer.from(FILES.gif);
    const frame = bytes.indexOf(Uint8Array.of(0x2c, 0, 0, 0, 0, width, 0, height, 0));
    for (const place of [6, 8, frame + 5, frame + 7]) bytes.writeUInt16LE(60_000, place);
    expect(await outcome(bytes)).toBe("image_too_many_pixels");
  });

  it("HEIC, with what reads it", async () => {
    const bytes = new TextEncoder().encode("\0\0\0\u0018ftypheic\0\0\0\0heicmif1");
    await expect(decoder.decode(bytes)).rejects.toMatchObject({
      code: "image_unsupported",
      message: expect.stringMatching(
        /HEIC, which needs libheif-js \(`npm install libheif-js`\); sharp: heif: Invalid input/,
      ),
    });
  });

  it("mutated files end in pixels or an item's code, and the next picture decodes", async () => {
    const mutation = fc.record({ at: fc.nat(), value: fc.nat(255) });
    const file = fc.constantFrom(...Object.values(FILES));
    await fc.assert(
      fc.asyncProperty(file, fc.array(mutation, { minLength: 1, maxLength: 8 }), async (original, mutations) => {
        const bytes = Uint8Array.from(original);
        for (const { at, value } of mutations) bytes[at % bytes.length] = value;
        const result = await outcome(bytes);
        const isItems = Object.entries(DISPOSITIONS).some(([code, who]) => code === result && who === "item");
        expect(isItems ? "pixels" : result).toBe("pixels");
        expect(await outcome(FILES.tiff)).toBe("pixels");
      }),
      { numRuns: 300 },
    );
  });
});

it("is absent where the package is not installed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countenance-no-sharp-"));
  try {
    for (const name of ["errors.ts", "image", "model"]) {
      await cp(join(root, "src", name), join(folder, "src", name), { recursive: true });
    }
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    const code = 'console.log(await (await import("./src/image/sharp-node.ts")).loadSharp())';
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], { cwd: folder });
    expect((await run).stdout).toBe("null\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});
