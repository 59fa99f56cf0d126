/** The pictures of the scenes, written to a folder: as large as the limits let them be. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zlibSync } from "fflate";
import { packTar } from "modern-tar";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { computeCrc32 } from "../../src/image/png/crc32.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { enlarge, LARGE_PHOTOGRAPHS } from "../golden/large-photographs.ts";

const GROUP = "../../node_modules/@vladmandic/face-api/demo/sample5.jpg";

/** Fills `folder` for every scene of scenes.ts. */
export async function writePictures(folder: string): Promise<void> {
  const put = async (key: string, bytes: Uint8Array | string): Promise<void> => {
    const path = join(folder, key);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, bytes);
  };
  const group = new Uint8Array(await readFile(join(import.meta.dirname, GROUP)));
  const { raster } = await createImageDecoder(await loadCodecs(), LIMITS.image).decode(group);
  const progressive = enlarge(
    LARGE_PHOTOGRAPHS.find((photograph) => photograph.progressive)!,
    raster,
  );
  for (let i = 0; i < 8; i++) await put(`photographs/${i}.jpg`, progressive);
  const png = makePng(4000, 4000);
  for (let i = 0; i < 4; i++) await put(`png/${i}.png`, png);
  // Just below what decoding may hold by estimate: the file counts twice there.
  const large = padJpeg(group, 23 * 1024 * 1024);
  const lines: string[] = [];
  for (let i = 0; i < 6; i++) {
    await put(`large/${i}.jpg`, large);
    lines.push(JSON.stringify({ key: `large/${i}.jpg` }));
  }
  await put("unknown.jsonl", lines.join("\n"));
  const body = padJpeg(
    new Uint8Array(await readFile(join(import.meta.dirname, "../golden/images/q90-128x128.jpg"))),
    65_000,
  );
  const members = Array.from({ length: LIMITS.maxChunkSize }, (_, i) => ({
    header: { name: `${String(i).padStart(4, "0")}.jpg`, size: body.length, type: "file" as const },
    body,
  }));
  await put("packed/shard.tar", await packTar(members));
}

/** The same picture with comments before its data, so that the file has about `bytes`. */
function padJpeg(jpeg: Uint8Array, bytes: number): Uint8Array {
  const padded = new Uint8Array(bytes);
  padded.set(jpeg.subarray(0, 2));
  let at = 2;
  const room = (): number => bytes - at - (jpeg.length - 2);
  while (room() >= 4) {
    const length = Math.min(65_533, room() - 2);
    padded.set([0xff, 0xfe, length >> 8, length & 255], at);
    at += 2 + length;
  }
  padded.set(jpeg.subarray(2), at);
  return padded.subarray(0, at + jpeg.length - 2);
}

function makePngChunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, computeCrc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function makePng(width: number, height: number): Uint8Array {
  const raw = new Uint8Array(height * (1 + 3 * width));
  for (let i = 0; i < raw.length; i++) if (i % (1 + 3 * width) !== 0) raw[i] = (i * 7 + (i >> 9)) & 255;
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [
    signature,
    makePngChunk("IHDR", header),
    makePngChunk("IDAT", zlibSync(raw, { level: 1 })),
    makePngChunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat(parts));
}
