/** What decoding one picture may take. Part of `limits.ts`, in a file of its own for its length. */

const MIB = 1024 * 1024;

/** The numbers, each with what it protects. */
export const IMAGE_LIMITS = {
  /** Bytes of the encoded file, held while it is decoded. */
  maxBytes: 25 * MIB,
  /** Pixels by format. JPEG: decoded at 1/2 to 1/8, so time is the limit, not memory. PNG: held as RGB, 3 bytes per pixel. WebP: held as RGBA twice. */
  maxPixels: { jpeg: 100_000_000, png: 16_000_000, webp: 5_000_000 },
  /** The largest side that JPEG itself can state; a 30,000 × 30,000 header of 60 bytes stops at the pixels. */
  maxSide: 65_535,
  /** Wasm and JavaScript bytes of one decode by estimate: with file, engines and model it must fit 128 MB. */
  maxWorkingBytes: 64 * MIB,
  /** A progressive JPEG has about 10 scans; a crafted one has thousands, each a pass over the whole picture. */
  maxScans: 100,
  /** Of pictures that `sharp` decodes, in Node alone: as of PNG. A crafted file must not hold a thread for ever. */
  maxSharpPixels: 16_000_000,
  maxSharpSeconds: 60,
  /** Of HEIC, in Node alone: the 48 megapixels of a telephone. The bytes hold those of 10 bits, too; the seconds are for a busy machine. */
  maxHeifPixels: 50_000_000,
  maxHeifBytes: 768 * MIB,
  maxHeifSeconds: 300,
};
