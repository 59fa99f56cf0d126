/** WebP by libwebp (`@jsquash/webp`, decoder), lossy, lossless, and the first frame of an animation. */

import createWebpModule, { type WebpModule } from "@jsquash/webp/codec/dec/webp_dec.js";
import { ScoringError } from "../../errors.ts";
import type { Raster } from "../../model/face-finder.ts";
import { planPlacement } from "../exif.ts";
import type { WebpFrame, WebpHeader } from "./webp-header.ts";

/** wasm memory only grows; an instance above this is dropped after the picture that needed it. */
const RETAIN_BYTES = 24 * 1024 * 1024;

/** One instance of the WebP decoder. */
export interface WebpCodec {
  /**
   * @returns upright RGB, alpha ignored
   * @throws ScoringError `image_truncated`, `image_corrupt`
   */
  decode(bytes: Uint8Array, header: WebpHeader): Promise<Raster>;
  memoryBytes(): number;
  /** The largest since the codec was made. */
  peakMemoryBytes(): number;
}

interface Loaded {
  readonly webp: WebpModule;
  readonly memory: WebAssembly.Memory;
}

/** Instantiates libwebp's decoder; replaced after a trap. */
export function createWebpCodec(module: WebAssembly.Module): WebpCodec {
  let loaded: Loaded | null = null;
  let peakBytes = 0;
  return {
    async decode(bytes, header) {
      if (!header.complete) throw new ScoringError("image_truncated", "WebP ends before its stated size");
      loaded ??= await instantiateWebp(module);
      const { memory } = loaded;
      try {
        const frame = header.firstFrame;
        const picture = loaded.webp.decode(frame === null ? bytes : wrapFrame(frame));
        if (picture === null) throw new ScoringError("image_corrupt", "WebP data cannot be decoded");
        const expected = frame ?? header;
        if (picture.width !== expected.width || picture.height !== expected.height) {
          throw new ScoringError("image_corrupt", "WebP decodes to another size than its header says");
        }
        return paint(picture.data, header);
      } catch (error) {
        // A trap leaves the instance's memory in an unknown state; a refusal costs little to treat alike.
        loaded = null;
        if (error instanceof ScoringError) throw error;
        throw new ScoringError("image_corrupt", "WebP data cannot be decoded", { cause: error });
      } finally {
        peakBytes = Math.max(peakBytes, memory.buffer.byteLength);
        if (memory.buffer.byteLength > RETAIN_BYTES) loaded = null;
      }
    },
    memoryBytes: () => loaded?.memory.buffer.byteLength ?? 0,
    peakMemoryBytes: () => peakBytes,
  };
}

/** Drops alpha and turns upright; an animation's frame is put where it belongs on a black canvas, as Pillow shows it. */
function paint(rgba: Uint8ClampedArray, header: WebpHeader): Raster {
  const { width, height, firstFrame } = header;
  const area = firstFrame ?? { x: 0, y: 0, width, height };
  const place = planPlacement(width, height, header.orientation);
  const data = new Uint8Array(width * height * 3);
  const step = place.stepX * 3;
  let from = 0;
  for (let y = 0; y < area.height; y++) {
    let to = (place.base + area.x * place.stepX + (area.y + y) * place.stepY) * 3;
    for (let x = 0; x < area.width; x++, from += 4, to += step) {
      data[to] = rgba[from]!;
      data[to + 1] = rgba[from + 1]!;
      data[to + 2] = rgba[from + 2]!;
    }
  }
  return { width: place.width, height: place.height, channels: 3, data };
}

/** A still WebP file around one frame of an animation, which libwebp's simple decoder takes. */
function wrapFrame(frame: WebpFrame): Uint8Array {
  const extended = 18;
  const file = new Uint8Array(12 + extended + frame.data.length);
  const view = new DataView(file.buffer);
  writeAscii(file, 0, "RIFF");
  view.setUint32(4, file.length - 8, true);
  writeAscii(file, 8, "WEBPVP8X");
  view.setUint32(16, 10, true);
  // Says "has alpha": only then is an ALPH chunk allowed before VP8.
  view.setUint8(20, String.fromCharCode(...frame.data.subarray(0, 4)) === "VP8 " ? 0 : 0x10);
  writeUint24(file, 24, frame.width - 1);
  writeUint24(file, 27, frame.height - 1);
  file.set(frame.data, 12 + extended);
  return file;
}

function writeAscii(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function writeUint24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >> 8) & 255;
  bytes[at + 2] = value >> 16;
}

async function instantiateWebp(module: WebAssembly.Module): Promise<Loaded> {
  let memory: WebAssembly.Memory | null = null;
  const webp = await createWebpModule({
    noInitialRun: true,
    // The glue would fetch or read its binary; it takes ours instead.
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory) ?? null;
      done(instance);
      return instance.exports;
    },
  });
  if (memory === null) throw new ScoringError("engine_unavailable", "the WebP decoder has no memory");
  return { webp, memory };
}
