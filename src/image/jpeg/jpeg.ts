/** JPEG by libjpeg-turbo (`@cwasm/jpeg-turbo`), through its TurboJPEG exports: ISLOW DCT, fancy upsampling, as Pillow. */

import { ScoringError } from "../../errors.ts";
import type { Raster } from "../../model/face-finder.ts";
import { copyUpright, swapsSides } from "../exif.ts";
import type { JpegHeader } from "./jpeg-header.ts";

/** TurboJPEG 2.x pixel formats. */
const TJPF_RGB = 0;
const TJPF_GRAY = 6;
const TJPF_CMYK = 11;
/** wasm memory only grows; an instance above this is dropped after the picture that needed it. */
const RETAIN_BYTES = 16 * 1024 * 1024;

interface TurboExports {
  readonly memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  free(pointer: number): void;
  tjInitDecompress(): number;
  tjDestroy(handle: number): number;
  tjDecompressHeader3(
    handle: number,
    bytes: number,
    length: number,
    width: number,
    height: number,
    subsampling: number,
    colorSpace: number,
  ): number;
  tjDecompress2(
    handle: number,
    bytes: number,
    length: number,
    out: number,
    width: number,
    pitch: number,
    height: number,
    pixelFormat: number,
    flags: number,
  ): number;
}

/** How one file is decoded. */
export interface JpegOptions {
  /** Scale in the DCT domain: 1 / denominator. */
  readonly denominator: 1 | 2 | 4 | 8;
  /** The file's own luma, its color never decoded. CMYK has no luma and comes as RGB even so. */
  readonly gray: boolean;
}

/** One instance of the JPEG decoder. */
export interface JpegCodec {
  /**
   * @returns upright pixels, 1 channel for gray files or where gray is asked for, else RGB
   * @throws ScoringError `image_truncated`, `image_corrupt`
   */
  decode(bytes: Uint8Array, header: JpegHeader, options: JpegOptions): Promise<Raster>;
  memoryBytes(): number;
  /** The largest since the codec was made. */
  peakMemoryBytes(): number;
}

/** Thrown in place of `longjmp`: libjpeg's way out of a fatal error. The instance's stack is then lost. */
class LongJump extends Error {}

/** Instantiates libjpeg-turbo. After a trap the instance is replaced, so that one bad file cannot poison the next. */
export function createJpegCodec(module: WebAssembly.Module): JpegCodec {
  let turbo: TurboExports | null = null;
  let peakBytes = 0;
  return {
    async decode(bytes, header, options) {
      turbo ??= await instantiateTurbo(module);
      const { memory } = turbo;
      try {
        return decodeWith(turbo, bytes, header, options);
      } catch (error) {
        // Whatever happened inside, memory may be leaked or corrupt: the next picture gets a new instance.
        turbo = null;
        if (error instanceof ScoringError) throw error;
        throw describeFailure(header, error);
      } finally {
        peakBytes = Math.max(peakBytes, memory.buffer.byteLength);
        if (memory.buffer.byteLength > RETAIN_BYTES) turbo = null;
      }
    },
    memoryBytes: () => turbo?.memory.buffer.byteLength ?? 0,
    peakMemoryBytes: () => peakBytes,
  };
}

function decodeWith(turbo: TurboExports, bytes: Uint8Array, header: JpegHeader, options: JpegOptions): Raster {
  const { denominator } = options;
  const width = Math.ceil(header.width / denominator);
  const height = Math.ceil(header.height / denominator);
  const samples = options.gray && header.components === 3 ? 1 : header.components;
  const pixelFormat = samples === 1 ? TJPF_GRAY : samples === 4 ? TJPF_CMYK : TJPF_RGB;
  const input = allocate(turbo, bytes.length);
  new Uint8Array(turbo.memory.buffer, input, bytes.length).set(bytes);
  const sizes = allocate(turbo, 16);
  const output = allocate(turbo, width * height * samples);
  const handle = turbo.tjInitDecompress();
  if (handle === 0) throw new ScoringError("image_corrupt", "the JPEG decoder could not be made");

  new Uint32Array(turbo.memory.buffer, sizes, 4).fill(0);
  // Its status is ignored: it is -1 for stray bytes between segments and for samplings that TurboJPEG has no name for,
  // and both are decoded all the same; what cannot be decoded jumps.
  turbo.tjDecompressHeader3(handle, input, bytes.length, sizes, sizes + 4, sizes + 8, sizes + 12);
  const [readWidth, readHeight] = new Uint32Array(turbo.memory.buffer, sizes, 2);
  // Our reading sized the output: libjpeg must agree, or it would write past it.
  if (readWidth !== header.width || readHeight !== header.height) throw describeFailure(header, null);
  const pitch = width * samples;
  const status = turbo.tjDecompress2(handle, input, bytes.length, output, width, pitch, height, pixelFormat, 0);
  // Non-zero without a jump is a warning. With an end marker it is what Pillow and browsers let pass (stray bytes);
  // without one, data ran out and the rest of the picture is gray.
  if (status !== 0 && !header.complete) throw describeFailure(header, null);

  const pixels = new Uint8Array(turbo.memory.buffer, output, width * height * samples);
  if (samples === 4) convertCmykInPlace(pixels);
  const channels = samples === 1 ? 1 : 3;
  const data = copyUpright(pixels, width, height, channels, header.orientation);
  turbo.tjDestroy(handle);
  turbo.free(output);
  turbo.free(sizes);
  turbo.free(input);
  const swaps = swapsSides(header.orientation);
  return { width: swaps ? height : width, height: swaps ? width : height, channels, data };
}

function allocate(turbo: TurboExports, bytes: number): number {
  const pointer = turbo.malloc(bytes);
  if (pointer === 0) throw new ScoringError("image_too_many_pixels", `no ${bytes} bytes of memory to decode into`);
  return pointer;
}

/** CMYK to RGB, packed into the first three quarters of the array. Ink is stored inverted, as Adobe does and Pillow assumes. */
function convertCmykInPlace(pixels: Uint8Array): void {
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) {
    const light = pixels[from + 3]!;
    for (let i = 0; i < 3; i++) {
      const product = (255 - pixels[from + i]!) * light + 128;
      // Pillow's MULDIV255, then clip.
      pixels[to + i] = Math.max(0, light - (((product >> 8) + product) >> 8));
    }
  }
}

function describeFailure(header: JpegHeader, cause: unknown): ScoringError {
  if (!header.complete) return new ScoringError("image_truncated", "JPEG data ends before the picture does", { cause });
  return new ScoringError("image_corrupt", "JPEG data cannot be decoded", { cause });
}

function refuse(): never {
  throw new LongJump("libjpeg-turbo gave up");
}

async function instantiateTurbo(module: WebAssembly.Module): Promise<TurboExports> {
  const instance: { readonly exports: unknown } = await WebAssembly.instantiate(module, {
    // A build without stack unwinding: `setjmp` always says "first time", and the jump itself becomes an exception.
    env: { setjmp: () => 0, longjmp: refuse },
    wasi_snapshot_preview1: {
      environ_sizes_get: () => 0,
      environ_get: refuse,
      proc_exit: refuse,
      fd_close: refuse,
      fd_seek: refuse,
      fd_write: refuse,
    },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the binary is pinned; its exports are these
  return instance.exports as TurboExports;
}
