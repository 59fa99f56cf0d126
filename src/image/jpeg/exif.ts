/** The one EXIF tag that changes pixels: orientation (TIFF 6.0 layout, tag 0x0112 of the first directory). */

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
/** A first directory has a few dozen entries; more is a malformed file. */
const MAX_ENTRIES = 512;

/**
 * @param segment payload of a JPEG APP1 segment
 * @returns 1…8; 1 (upright) if the segment is not EXIF, has no such tag, or is malformed: a broken tag must not lose a
 * picture
 */
export function readExifOrientation(segment: Uint8Array): number {
  // "Exif\0\0", then a TIFF header.
  if (segment.length < 14 || String.fromCharCode(...segment.subarray(0, 6)) !== "Exif\0\0") return 1;
  const view = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6);
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

/** True if the orientation exchanges width and height. */
export function swapsSides(orientation: number): boolean {
  return orientation >= 5;
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
  const [base, stepX, stepY] = planWalk(width, height, orientation);
  const outWidth = swapsSides(orientation) ? height : width;
  const outHeight = swapsSides(orientation) ? width : height;
  const out = new Uint8Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    let from = (base + y * stepY) * channels;
    const step = stepX * channels;
    for (let x = 0; x < outWidth; x++, from += step) {
      out[to++] = source[from]!;
      if (channels === 3) {
        out[to++] = source[from + 1]!;
        out[to++] = source[from + 2]!;
      }
    }
  }
  return out;
}

/** Stored pixel of output (x, y) is `base + x·stepX + y·stepY`. */
function planWalk(width: number, height: number, orientation: number): readonly [number, number, number] {
  const right = width - 1;
  const bottom = (height - 1) * width;
  switch (orientation) {
    case 2:
      return [right, -1, width];
    case 3:
      return [right + bottom, -1, -width];
    case 4:
      return [bottom, 1, -width];
    case 5:
      return [0, width, 1];
    case 6:
      return [bottom, -width, 1];
    case 7:
      return [right + bottom, -width, -1];
    case 8:
      return [right, width, -1];
    default:
      return [0, 1, width];
  }
}
