/** The one EXIF tag that changes pixels, orientation (TIFF 6.0 layout, tag 0x0112 of the first directory), and what it does. */

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
/** A first directory has a few dozen entries; more is a malformed file. */
const MAX_ENTRIES = 512;

/**
 * @param block a JPEG's APP1 segment, a PNG's `eXIf` or a WebP's `EXIF` chunk: a TIFF header and its directories, with or
 * without "Exif\0\0" before them
 * @returns 1…8; 1 (upright) if the block is not EXIF, has no such tag, or is malformed: a broken tag must not cost the
 * picture
 */
export function readExifOrientation(block: Uint8Array): number {
  const start = hasExifMark(block) ? 6 : 0;
  if (block.length < start + 8) return 1;
  const view = new DataView(block.buffer, block.byteOffset + start, block.byteLength - start);
  const order = view.getUint16(0, false);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const isLittle = order === 0x4949;
  if (view.getUint16(2, isLittle) !== 42) return 1;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return 1;
  const entries = Math.min(view.getUint16(directory, isLittle), MAX_ENTRIES);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > view.byteLength) return 1;
    if (view.getUint16(at, isLittle) !== ORIENTATION_TAG) continue;
    if (view.getUint16(at + 2, isLittle) !== SHORT) return 1;
    const orientation = view.getUint16(at + 8, isLittle);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

/** True if the block begins with "Exif\0\0": in a JPEG that tells EXIF from XMP. */
export function hasExifMark(block: Uint8Array): boolean {
  return String.fromCharCode(...block.subarray(0, 6)) === "Exif\0\0";
}

/** True if the orientation exchanges width and height. */
export function swapsSides(orientation: number): boolean {
  return orientation >= 5;
}

/** Where stored pixels belong in the upright picture: stored (x, y) is its pixel number `base + x·stepX + y·stepY`. */
export interface Placement {
  /** Pixels of the upright picture. */
  readonly width: number;
  readonly height: number;
  readonly base: number;
  readonly stepX: number;
  readonly stepY: number;
}

/**
 * @param width pixels as stored
 * @param orientation EXIF 1…8
 */
export function planPlacement(width: number, height: number, orientation: number): Placement {
  const right = width - 1;
  const low = height - 1;
  const upright = { width, height };
  const turned = { width: height, height: width };
  switch (orientation) {
    case 2:
      return { ...upright, base: right, stepX: -1, stepY: width };
    case 3:
      return { ...upright, base: right + low * width, stepX: -1, stepY: -width };
    case 4:
      return { ...upright, base: low * width, stepX: 1, stepY: -width };
    case 5:
      return { ...turned, base: 0, stepX: height, stepY: 1 };
    case 6:
      return { ...turned, base: low, stepX: height, stepY: -1 };
    case 7:
      return { ...turned, base: right * height + low, stepX: -height, stepY: -1 };
    case 8:
      return { ...turned, base: right * height, stepX: -height, stepY: 1 };
    default:
      return { ...upright, base: 0, stepX: 1, stepY: width };
  }
}

/**
 * Copies pixels upright in one pass.
 *
 * @param source `width × height × channels` bytes as stored; may be a view of wasm memory, it is only read
 * @param orientation EXIF 1…8
 * @returns a new array in display order; for 5…8 its rows are `height` long
 */
export function copyUpright(
  source: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
  orientation: number,
): Uint8Array {
  if (orientation <= 1 || orientation > 8) return source.slice(0, width * height * channels);
  const { base, stepX, stepY } = planPlacement(width, height, orientation);
  const out = new Uint8Array(width * height * channels);
  const step = stepX * channels;
  let from = 0;
  for (let y = 0; y < height; y++) {
    let to = (base + y * stepY) * channels;
    for (let x = 0; x < width; x++, to += step) {
      out[to] = source[from++]!;
      if (channels === 3) {
        out[to + 1] = source[from++]!;
        out[to + 2] = source[from++]!;
      }
    }
  }
  return out;
}
