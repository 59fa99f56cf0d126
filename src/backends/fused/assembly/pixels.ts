// Bytes to the normalized image x = (L/255 − 0.5) / 0.5 = (2L − 255) / 255, whose right side rounds once.
import { VECTOR } from "./vector";
import { PADDED, PLANE, SIDE, images, normalized } from "./plan";

const FACE_BYTES: usize = 48 * 48;
/** Bytes of one padded image. */
export const IMAGE_BYTES: usize = 51 * 51 * 4;

/** Four pixels at `from`, normalized. */
// @ts-ignore: decorator
@inline
function normalize(from: usize): v128 {
  const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from)));
  const value = f32x4.convert_i32x4_s(wide);
  return f32x4.div(f32x4.sub(f32x4.add(value, value), f32x4.splat(255)), f32x4.splat(255));
}

/**
 * Four faces at `from` into `images` (one padded plane a face, for the sampler) and `normalized` ([y][x][face], for
 * the convolutions).
 */
export function unpackFaces(from: usize): void {
  const plane = IMAGE_BYTES;
  for (let y: usize = 0; y < <usize>SIDE; y++) {
    let image = images + ((y + 1) * <usize>PADDED + 1) * 4;
    let to = normalized + y * <usize>PLANE * VECTOR;
    const end = from + <usize>SIDE;
    while (from < end) {
      const a = normalize(from), b = normalize(from + FACE_BYTES);
      const c = normalize(from + 2 * FACE_BYTES), d = normalize(from + 3 * FACE_BYTES);
      v128.store(image, a);
      v128.store(image + plane, b);
      v128.store(image + 2 * plane, c);
      v128.store(image + 3 * plane, d);
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7), gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
      v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 16);
      v128.store(to, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5), 32);
      v128.store(to, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7), 48);
      from += 4;
      image += 16;
      to += 4 * VECTOR;
    }
  }
}
