/**
 * Makes test/golden/heic/ and heic.json: HEIC files and what `heif-convert` makes of them.
 *
 *     node test/golden/make-heic-goldens.ts
 *
 * Needs Debian's package `libheif-examples` (1.15.1 with x265 3.5 and libde265 1.0.11 made the committed files). The pictures are
 * two portraits of `tabler-ui`; grids, which its `heif-enc` does not write, are put together here of tiles that it encoded.
 */

import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { readBlocks } from "./heic-blocks.ts";
import { readCodedPicture, writeGrid } from "./heif-boxes.ts";

const here = import.meta.dirname;
const faces = join(here, "../../node_modules/tabler-ui/dist/demo/faces");
const folder = await mkdtemp(join(tmpdir(), "heic-goldens-"));
const portrait = (): Sharp => sharp(join(faces, "female/1.jpg"));

/** Encodes pictures into one file, the first one as the primary. */
async function encode(pictures: readonly Sharp[], options: readonly string[] = []): Promise<Buffer> {
  const inputs: string[] = [];
  for (const [at, picture] of pictures.entries()) {
    const { data, info } = await picture.toBuffer({ resolveWithObject: true });
    const path = join(folder, `${at}.${info.format === "jpeg" ? "jpg" : "png"}`);
    await writeFile(path, data);
    inputs.push(path);
  }
  const output = join(folder, "encoded.heic");
  execFileSync("heif-enc", ["-q", "55", ...options, ...inputs, "-o", output]);
  return readFile(output);
}

async function withAlpha(): Promise<Sharp> {
  const data = await portrait().ensureAlpha().raw().toBuffer();
  for (let at = 3; at < data.length; at += 4) data[at] = (at >> 2) & 255;
  return sharp(data, { raw: { width: 128, height: 128, channels: 4 } }).png();
}

/** The primary of two becomes the second. */
function makeSecondPrimary(file: Buffer): Buffer {
  const at = file.indexOf("pitm") + 8;
  file.writeUInt16BE(2, at);
  return file;
}

const tiles = [];
for (const [left, top] of [[0, 0], [64, 0], [0, 64], [64, 64]] as const) {
  const tile = portrait().extract({ left, top, width: 64, height: 64 }).png();
  tiles.push(readCodedPicture(await encode([tile])));
}
const exif = portrait().withMetadata({ orientation: 6 }).jpeg({ quality: 95 });
const small = sharp(join(faces, "male/1.jpg")).resize(64, 64).png();
const size = { columns: 2, width: 120, height: 100 };

const files: Readonly<Record<string, Buffer>> = {
  plain: await encode([portrait().png()]),
  gray: await encode([portrait().toColorspace("b-w").png()]),
  alpha: await encode([await withAlpha()]),
  "10-bit": await encode([portrait().toColorspace("rgb16").png()], ["-b", "10"]),
  thumbnail: await encode([portrait().png()], ["-t", "64"]),
  "second-of-two": makeSecondPrimary(await encode([small, portrait().png()])),
  "exif-alone": await encode([exif]),
  grid: writeGrid(tiles, size),
  telephone: writeGrid(tiles, { ...size, quarterTurns: 3, exifOrientation: 6 }),
  "grid-turned-mirrored": writeGrid(tiles, { ...size, quarterTurns: 1, mirror: 1 }),
};

const pictures = [];
for (const [name, file] of Object.entries(files)) {
  const path = join(here, "heic", `${name}.heic`);
  await writeFile(path, file);
  const output = join(folder, "out.png");
  execFileSync("heif-convert", [path, output]);
  // It writes all top-level pictures of a file, numbered in their order.
  const decoded = name === "second-of-two" ? join(folder, "out-2.png") : output;
  const { data, info } = await sharp(decoded).removeAlpha().toColorspace("srgb").raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  pictures.push({ name, width, height, blocks: Buffer.from(readBlocks({ width, height, channels: 3, data })).toString("base64") });
}
await writeFile(join(here, "heic.json"), `${JSON.stringify({ pictures }, null, 2)}\n`);
await rm(folder, { recursive: true });
