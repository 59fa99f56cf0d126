/** What runs in the thread of one HEIC picture: see libheif-node.ts. */

// oxlint-disable no-underscore-dangle -- emscripten's names of C functions

import createLibheif, { type Libheif } from "libheif-js/libheif-wasm/libheif.js";
import { parentPort, workerData } from "node:worker_threads";
import { type ErrorCode, ScoringError } from "../errors.ts";
import type { Raster } from "../model/face-finder.ts";
import { guardSize } from "./guard-size.ts";
import type { ImageLimits } from "./image-types.ts";

/** One picture to decode. */
export interface LibheifTask {
  /** libheif, compiled. */
  readonly module: WebAssembly.Module;
  readonly bytes: Uint8Array;
  readonly limits: ImageLimits;
}

/** Upright RGB, in memory that can be handed over. */
interface Pixels extends Raster {
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The pixels of the picture, or why there are none. */
export type LibheifReply = Pixels | { readonly code: ErrorCode; readonly message: string };

/** Of libheif/heif_error.h. */
const UNSUPPORTED: readonly number[] = [3, 4];
const MEMORY_ALLOCATION_ERROR = 6;
const SECURITY_LIMIT_EXCEEDED = 1000;

/** Of libheif/heif_image.h: 8-bit RGB, interleaved, without alpha. */
const RGB = { colorspace: 1, chroma: 10, channel: 10 } as const;

/** Bytes before the fields that are set, in wasm's layout of libheif's structures; these grow at their ends alone. */
const MAX_IMAGE_PIXELS_AT = 8;
const MAX_BLOCK_BYTES_AT = 40;
const MAX_TOTAL_BYTES_AT = 64;
const STRICT_DECODING_AT = 21;

/** Characters of libheif's complaint that a record keeps. */
const MAX_COMPLAINT = 200;

function decode({ module, bytes, limits }: LibheifTask): Pixels {
  const { libheif, memory } = instantiate(module);
  const error = libheif._malloc(12);
  const result = libheif._malloc(4);
  // The memory moves as it grows.
  const view = (): DataView => new DataView(memory.buffer);
  const readPointer = (at: number): number => view().getUint32(at, true);
  const expectOk = (): void => {
    const [code, detail, message] = [readPointer(error), readPointer(error + 4), readPointer(error + 8)];
    if (code !== 0) throw explain(code, detail, readText(memory, message));
  };

  const context = libheif._heif_context_alloc();
  const bounds = libheif._heif_context_get_security_limits(context);
  view().setBigUint64(bounds + MAX_IMAGE_PIXELS_AT, BigInt(limits.maxHeifPixels), true);
  view().setBigUint64(bounds + MAX_BLOCK_BYTES_AT, BigInt(limits.maxHeifBytes), true);
  view().setBigUint64(bounds + MAX_TOTAL_BYTES_AT, BigInt(limits.maxHeifBytes), true);

  const file = libheif._malloc(bytes.length);
  new Uint8Array(memory.buffer).set(bytes, file);
  libheif._heif_context_read_from_memory_without_copy(error, context, file, bytes.length, 0);
  expectOk();
  libheif._heif_context_get_primary_image_handle(error, context, result);
  expectOk();
  const handle = readPointer(result);
  const width = libheif._heif_image_handle_get_width(handle);
  const height = libheif._heif_image_handle_get_height(handle);
  guardSize({ width, height, format: "heic" }, bytes.length, limits.maxHeifPixels, limits);

  const options = libheif._heif_decoding_options_alloc();
  view().setUint8(options + STRICT_DECODING_AT, 1);
  // Turned and mirrored by the boxes of the file; its EXIF orientation says the same once more and is left alone.
  libheif._heif_decode_image(error, handle, result, RGB.colorspace, RGB.chroma, options);
  expectOk();
  const image = readPointer(result);
  const plane = libheif._heif_image_get_plane_readonly2(image, RGB.channel, result);
  const pixels = { plane, stride: readPointer(result) };
  return copyRows(
    memory,
    pixels,
    libheif._heif_image_get_width(image, RGB.channel),
    libheif._heif_image_get_height(image, RGB.channel),
  );
}

function instantiate(module: WebAssembly.Module): { readonly libheif: Libheif; readonly memory: WebAssembly.Memory } {
  let memory: WebAssembly.Memory | undefined;
  const libheif = createLibheif({
    print: () => undefined,
    printErr: () => undefined,
    // The glue would read its binary; it takes ours instead.
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory);
      done(instance);
      return instance.exports;
    },
  });
  if (memory === undefined) throw new ScoringError("image_unsupported", "libheif: it has no memory");
  return { libheif, memory };
}

function copyRows(
  memory: WebAssembly.Memory,
  { plane, stride }: { readonly plane: number; readonly stride: number },
  width: number,
  height: number,
): Pixels {
  const data = new Uint8Array(width * height * 3);
  const source = new Uint8Array(memory.buffer);
  for (let y = 0; y < height; y++) {
    const from = plane + y * stride;
    data.set(source.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, channels: 3, data };
}

function readText(memory: WebAssembly.Memory, at: number): string {
  const bytes = new Uint8Array(memory.buffer, at);
  return new TextDecoder().decode(bytes.subarray(0, Math.min(bytes.indexOf(0), MAX_COMPLAINT)));
}

function explain(code: number, detail: number, message: string): ScoringError {
  const complaint = `libheif: ${message.trim()}`;
  const isTooLarge = code === MEMORY_ALLOCATION_ERROR && detail === SECURITY_LIMIT_EXCEEDED;
  if (isTooLarge) return new ScoringError("image_too_many_pixels", complaint);
  return new ScoringError(UNSUPPORTED.includes(code) ? "image_unsupported" : "image_corrupt", complaint);
}

function reply(task: LibheifTask): LibheifReply {
  try {
    return decode(task);
  } catch (error) {
    if (error instanceof ScoringError) return { code: error.code, message: error.detail };
    return { code: "image_corrupt", message: `libheif: ${String(error).slice(0, MAX_COMPLAINT)}` };
  }
}

const answer = reply(workerData);
parentPort?.postMessage(answer, "data" in answer ? [answer.data.buffer] : []);
